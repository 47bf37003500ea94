import { readdirSync, readFileSync } from "node:fs";

let known: Map<number, number> | null = null;

/** The pid of ksoftirqd/N, or null where it is not visible (a PID namespace). */
export function ksoftirqd(cpu: number): number | null {
  if (known === null) {
    known = new Map();
    for (const pid of readdirSync("/proc")) {
      if (!/^\d+$/.test(pid)) continue;
      try {
        const match = /^ksoftirqd\/(\d+)$/.exec(readFileSync(`/proc/${pid}/comm`, "utf8").trim());
        if (match !== null) known.set(Number(match[1]), Number(pid));
      } catch {
        // ended meanwhile
      }
    }
  }
  return known.get(cpu) ?? null;
}

/** Nanoseconds that a task has run: the first number of its schedstat. */
export function runTimeNs(pid: number | null): number {
  if (pid === null) return 0;
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]);
  } catch {
    return 0;
  }
}
