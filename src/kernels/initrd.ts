import { createReadStream, createWriteStream } from "node:fs";
import { appendFile, copyFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { BridgescopeError } from "../system/errors.ts";
import { packApp } from "./app.ts";
import { writeCpio } from "./cpio.ts";
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
  signal?: AbortSignal,
): Promise<{ file: string; megabytes: number }> {
  const file = path.join(work, "initrd");
  const own = path.join(work, "job.cpio");
  await writeCpio(own, jobEntries(job, image, env), signal);
  try {
    await copyFile(userland.cpio, file);
    await append(image.modules, file);
    await appendFile(file, await packApp());
    await append(own, file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    throw new BridgescopeError(
      `the kernel or the userland for ${image.spec} is no longer in the cache: someone removed it meanwhile`,
      1,
      { cause },
    );
  }
  await rm(own);
  return { file, megabytes: Math.ceil((await stat(file)).size / 1e6) };
}

function append(from: string, to: string): Promise<void> {
  return pipeline(createReadStream(from), createWriteStream(to, { flags: "a" }));
}
