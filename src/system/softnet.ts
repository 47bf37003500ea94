import { readFileSync } from "node:fs";

/** Frames that the kernel dropped because a CPU's backlog was full, over all CPUs; null where it does not tell. */
export function readSoftnetDrops(): number | null {
  try {
    return parseSoftnetDrops(readFileSync("/proc/net/softnet_stat", "utf8"));
  } catch {
    return null;
  }
}

/** The second column, in hexadecimal (net/core/net-procfs.c). */
export function parseSoftnetDrops(text: string | null): number | null {
  const lines = (text ?? "")
    .trim()
    .split("\n")
    .filter((line) => line !== "");
  if (lines.length === 0) return null;
  const drops = lines.map((line) => Number.parseInt(line.split(/\s+/)[1] ?? "", 16));
  return drops.some(Number.isNaN) ? null : drops.reduce((sum, value) => sum + value, 0);
}
