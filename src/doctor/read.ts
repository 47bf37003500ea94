import { readdir, readFile } from "node:fs/promises";
import { run } from "../system/command.ts";
import { printable } from "../text/printable.ts";

export const TOOL_TIMEOUT_MS = 3_000;

/** A file's text, or null where it is absent or may not be read. */
export async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return null;
  }
}

/** A one-line file of /proc or /sys, trimmed and safe to print; null where unreadable. */
export async function readLine(path: string): Promise<string | null> {
  const text = await readText(path);
  return text === null ? null : printable(text.trim());
}

/** The names in a folder, sorted; none where it is absent. */
export async function readFolder(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch {
    return [];
  }
}

// Nothing from outside is pasted in: the three names come as positional parameters.
const MOUNT_AND_READ = 'mount -t "$1" none "$2" && cat "$3"';

/**
 * A file of a kernel filesystem that may not be mounted: then it is mounted in a private mount
 * namespace that lives as long as the read. Null where that is not allowed or the file is absent.
 */
export async function readPrivately(
  filesystem: string,
  mountPoint: string,
  name: string,
): Promise<string | null> {
  const path = `${mountPoint}/${name}`;
  const direct = await readLine(path);
  if (direct !== null) return direct;
  if ((await readFolder(mountPoint)).length > 0) return null;
  const script = ["sh", "-c", MOUNT_AND_READ, "sh", filesystem, mountPoint, path];
  const said = await ask("unshare", ["--mount", "--propagation", "private", "--", ...script]);
  return said?.exitCode === 0 ? printable(said.stdout.trim()) : null;
}

interface Answer {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** What a tool says; null where it is missing or hangs: that is a finding here, not an error. */
export async function ask(file: string, args: readonly string[]): Promise<Answer | null> {
  try {
    return await run(file, args, { timeoutMs: TOOL_TIMEOUT_MS });
  } catch {
    return null;
  }
}
