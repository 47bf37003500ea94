import { readFileSync } from "node:fs";

/** CPU time of all CPUs so far, in ticks. */
export interface CpuTimes {
  total: number;
  softirq: number;
  steal: number;
}

/** The host's CPU time so far; null when /proc/stat is not to be read. */
export function readCpuTimes(): CpuTimes | null {
  try {
    return parseCpuTimes(readFileSync("/proc/stat", "utf8"));
  } catch {
    return null;
  }
}

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal; see proc(5). */
export function parseCpuTimes(text: string): CpuTimes | null {
  const columns = /^cpu\s+(.*)$/m.exec(text)?.[1]?.split(/\s+/).map(Number).slice(0, 8);
  if (columns === undefined || columns.length < 8 || columns.some(Number.isNaN)) return null;
  const total = columns.reduce((sum, value) => sum + value, 0);
  return { total, softirq: columns[6] ?? 0, steal: columns[7] ?? 0 };
}

type Ticks = Pick<CpuTimes, "total" | "steal"> | null;

/** The share of CPU time between two readings that the hypervisor gave to others. */
export function stolenShare(before: Ticks, after: Ticks): number | null {
  if (before === null || after === null || after.total <= before.total) return null;
  return (after.steal - before.steal) / (after.total - before.total);
}
