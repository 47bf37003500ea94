import { readFileSync } from "node:fs";

/** Frames that the kernel dropped because a CPU's backlog was full, over all CPUs; null where it does not tell. */
export function readSoftnetDrops(): number | null {
  return read(DROPPED);
}

/** Frames that the kernel took from the backlogs, over all CPUs; null where it does not tell. */
export function readSoftnetFrames(): number | null {
  return read(PROCESSED);
}

/** Polls that ended before their queue was empty, over all CPUs; null where the kernel does not tell. */
export function readSoftnetSqueezed(): number | null {
  return read(SQUEEZED);
}

/** Columns of a line a CPU (net/core/net-procfs.c). */
const PROCESSED = 0;
const DROPPED = 1;
const SQUEEZED = 2;

function read(column: number): number | null {
  try {
    return parseSoftnet(readFileSync("/proc/net/softnet_stat", "utf8"), column);
  } catch {
    return null;
  }
}

/** The sum of a column, which is in hexadecimal and begins again at 2^32. */
export function parseSoftnet(text: string | null, column = DROPPED): number | null {
  const lines = (text ?? "")
    .trim()
    .split("\n")
    .filter((line) => line !== "");
  if (lines.length === 0) return null;
  const values = lines.map((line) => Number.parseInt(line.split(/\s+/)[column] ?? "", 16));
  return values.some(Number.isNaN) ? null : values.reduce((sum, value) => sum + value, 0);
}
