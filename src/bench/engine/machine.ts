import { readFileSync } from "node:fs";
import type { Reading } from "../../document/event.ts";
import { involuntarySwitches } from "../../system/libc.ts";
import { readSoftnetDrops, readSoftnetSqueezed } from "../../system/softnet.ts";

/** What has disturbed this machine and this thread so far; null where the kernel does not tell. */
export function readMachine(): Reading {
  return {
    cpu: readCpuTimes(),
    softnetDrops: readSoftnetDrops(),
    squeezed: readSoftnetSqueezed(),
    involuntarySwitches: involuntarySwitches(),
    pressureUs: parsePressure(read("/proc/pressure/cpu")),
    atNs: Number(process.hrtime.bigint()),
  };
}

/** The host's CPU time so far; null when /proc/stat is not to be read. */
function readCpuTimes(): Reading["cpu"] {
  const text = read("/proc/stat");
  return text === null ? null : parseCpuTimes(text);
}

/** CPU time of all CPUs in ticks; the first line of /proc/stat: user nice system idle iowait irq softirq steal; see proc(5). */
export function parseCpuTimes(text: string): Reading["cpu"] {
  const columns = /^cpu\s+(.*)$/m.exec(text)?.[1]?.split(/\s+/).map(Number).slice(0, 8);
  if (columns === undefined || columns.length < 8 || columns.some(Number.isNaN)) return null;
  const total = columns.reduce((sum, value) => sum + value, 0);
  return { total, softirq: columns[6] ?? 0, steal: columns[7] ?? 0 };
}

/** `some avg10=0.00 avg60=0.00 avg300=0.00 total=12345` in /proc/pressure/cpu; microseconds. */
export function parsePressure(text: string | null): number | null {
  const total = /^some .*\btotal=(\d+)/m.exec(text ?? "")?.[1];
  return total === undefined ? null : Number(total);
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
