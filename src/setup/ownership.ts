import { readFileSync } from "node:fs";

/** The process that answers for a lab; pids are used again, start times within one boot are not. */
export interface Owner {
  pid: number;
  /** Clock ticks after boot: field 22 of /proc/PID/stat. */
  startTime: number;
  bootId: string;
}

export type OwnerFate = "alive" | "gone" | "of another boot";

export function currentOwner(): Owner {
  const startTime = startTimeOf(process.pid);
  if (startTime === null) throw new Error("/proc/self/stat does not say when this process started");
  return { pid: process.pid, startTime, bootId: bootId() };
}

export function fateOf(owner: Owner): OwnerFate {
  if (owner.bootId !== bootId()) return "of another boot";
  return startTimeOf(owner.pid) === owner.startTime ? "alive" : "gone";
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

/** Null for a process that is not there, or only waits for its parent to take note of its end. */
function startTimeOf(pid: number): number | null {
  try {
    return parseStartTime(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return null;
  }
}

/** The second field is the program's name in brackets and may hold anything, brackets included. */
export function parseStartTime(stat: string): number | null {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  const ticks = Number(fields[19]);
  return state === "Z" || state === "X" || !Number.isInteger(ticks) ? null : ticks;
}
