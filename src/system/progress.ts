import { readFileSync } from "node:fs";
import { patience } from "./patience.ts";

/** What has been idle for so long hangs: with what came before, it is told within 10 s. */
export const IDLE_LIMIT_MS = patience(5_000);

/** Looks that lie further apart than this say that it was us who did not run. */
const LOOK_MS = 1000;

/**
 * Tells a process that hangs from one that a busy machine lets wait: the milliseconds since it was last seen to run, to
 * be ready to, to be within the kernel, or to wait to be waited for. Fields of proc_pid_stat(5). To be asked every second at least.
 */
export function idleTime(pid: number): () => number {
  let [ticks, since, looked] = ["", performance.now(), performance.now()];
  return () => {
    const now = performance.now();
    const [state = "", ran = ""] = stateOf(pid);
    if (["R", "D", "Z"].includes(state) || ran !== ticks) [ticks, since] = [ran, now];
    else since += Math.max(0, now - looked - LOOK_MS);
    looked = now;
    return now - since;
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
