import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { ToolError } from "../system/errors.ts";
import { ABILITIES, type Ability, RESULT_END, RESULT_HEAD } from "./init.ts";
import { QEMU } from "./qemu.ts";
import { runTool } from "./tool.ts";

/** What a guest sent over its second serial port. */
export interface Delivery {
  /** Of the job; null: the kernel lacks something that the job requires, and it was not begun. */
  exitCode: number | null;
  lacks: Ability[];
  /** A gzip'd tar with `out` and `stdout`. */
  archive: Buffer;
}

/** null when it has not come, or not to its end. */
export function parseDelivery(data: Buffer): Delivery | null {
  const start = data.indexOf(RESULT_HEAD);
  const blank = data.indexOf("\n\n", start);
  if (start < 0 || blank < 0) return null;
  const head = data.toString("latin1", start, blank);
  const [, exit, lacks, bytes] =
    /\nexit (\d+|unfit)\nlacks([ a-z]*)\nbytes (\d+)$/.exec(head) ?? [];
  if (exit === undefined || lacks === undefined || bytes === undefined) return null;
  const from = blank + 2;
  const to = from + Number(bytes);
  if (data.toString("latin1", to, to + RESULT_END.length) !== RESULT_END) return null;
  return {
    exitCode: exit === "unfit" ? null : Number(exit),
    lacks: ABILITIES.filter((ability) => lacks.split(" ").includes(ability)),
    archive: data.subarray(from, to),
  };
}

const MOST_BYTES = 2 ** 30;

/**
 * Unpacks what lay below /out into a new temporary folder, and the job's standard output; or throws.
 * gzip's checksum stands for what the wire did.
 */
export async function unpackDelivery(
  archive: Buffer,
  work: string,
  signal?: AbortSignal,
): Promise<{ folder: string; stdout: string }> {
  const tar = path.join(work, "result.tar");
  try {
    await writeFile(tar, await promisify(gunzip)(archive, { maxOutputLength: MOST_BYTES }));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new ToolError(QEMU, `the guest's results arrived damaged (${code ?? "no gzip"})`, {
      cause,
    });
  }
  const folder = await mkdtemp(path.join(tmpdir(), "bridgescope-guest-"));
  const extract = async (to: string, ...what: string[]) => {
    const args = ["-xf", tar, "-C", to, "--no-same-owner", "--no-same-permissions", ...what];
    const result = await runTool("tar", args, { signal });
    if (result.exitCode === 0) return;
    throw new ToolError(
      "tar",
      "the guest's results could not be unpacked: they are no tar archive with `out` and `stdout`",
    );
  };
  try {
    await extract(folder, "--strip-components=1", "out");
    await extract(work, "stdout");
    return { folder, stdout: await readFile(path.join(work, "stdout"), "utf8") };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
