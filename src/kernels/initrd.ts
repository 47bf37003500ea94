import { appendFile, copyFile, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { BridgescopeError } from "../system/errors.ts";
import { packApp } from "./app.ts";
import { cpio } from "./cpio.ts";
import type { KernelImage } from "./image.ts";
import { type GuestJob, jobEntries } from "./job.ts";
import type { Userland } from "./userland.ts";

/** Everything a guest has, as one file: the kernel unpacks archives that follow each other in turn. */
export async function makeInitrd(
  work: string,
  image: KernelImage,
  userland: Userland,
  job: GuestJob,
  env: Record<string, string>,
): Promise<{ file: string; megabytes: number }> {
  const file = path.join(work, "initrd");
  const own = await cpio(jobEntries(job, image, env));
  try {
    await copyFile(userland.cpio, file);
    await appendFile(file, await readFile(image.modules));
    await appendFile(file, await packApp());
    await appendFile(file, own);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    throw new BridgescopeError(
      `the kernel or the userland for ${image.spec} is no longer in the cache: someone removed it meanwhile`,
      1,
      { cause },
    );
  }
  return { file, megabytes: Math.ceil((await stat(file)).size / 1e6) };
}
