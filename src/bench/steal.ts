import { readFileSync } from "node:fs";

/** The host's CPU time so far, in ticks; null when /proc/stat is not to be read. */
export function readCpuTimes(): { total: number; steal: number } | null {
  try {
    return parseCpuTimes(readFileSync("/proc/stat", "utf8"));
  } catch {
    return null;
  }
}

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal; see proc(5). */
export function parseCpuTimes(text: string): { total: number; steal: number } | null {
  const columns = /^cpu\s+(.*)$/m.exec(text)?.[1]?.split(/\s+/).map(Number).slice(0, 8);
  if (columns === undefined || columns.length < 8 || columns.some(Number.isNaN)) return null;
  return { total: columns.reduce((sum, value) => sum + value, 0), steal: columns[7] ?? 0 };
}

type CpuTimes = ReturnType<typeof readCpuTimes>;

/** The share of CPU time between two readings that the hypervisor gave to others. */
export function stolenShare(before: CpuTimes, after: CpuTimes): number | null {
  if (before === null || after === null || after.total <= before.total) return null;
  return (after.steal - before.steal) / (after.total - before.total);
}
