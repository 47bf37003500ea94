import { readFileSync } from "node:fs";

/**
 * Tells a process that hangs from one that a busy machine lets wait: the milliseconds since it was last seen to run, to
 * be ready to, or to be within the kernel. Fields of proc_pid_stat(5). To be asked now and then.
 */
export function idleTime(pid: number): () => number {
  let [ticks, since] = ["", performance.now()];
  return () => {
    const [state = "", ran = ""] = stateOf(pid);
    if (state === "R" || state === "D" || ran !== ticks) [ticks, since] = [ran, performance.now()];
    return performance.now() - since;
  };
}

/** Its state, and the clock ticks that it has run. */
function stateOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return [fields[0] ?? "", `${fields[11]} ${fields[12]}`];
  } catch {
    return [];
  }
}
