import { readFileSync } from "node:fs";
import { BridgescopeError } from "./errors.ts";
import { inNamespace, type NetworkNamespace } from "./netns.ts";

/** Interface counters as /proc/net/dev gives them: packets, their bytes, and packets dropped. */
export interface Counters {
  rx: number;
  tx: number;
  rxDropped: number;
  txDropped: number;
  rxBytes: number;
  txBytes: number;
}

/** The counters of every device of the namespace; one file, no process. */
export function readCounters(namespace: NetworkNamespace): Map<string, Counters> {
  return inNamespace(namespace, () =>
    parseCounters(readFileSync("/proc/thread-self/net/dev", "utf8")),
  );
}

/** Columns of /proc/net/dev: see dev_seq_printf_stats in the kernel. Throws where one is no number. */
export function parseCounters(text: string): Map<string, Counters> {
  const devices = new Map<string, Counters>();
  for (const line of text.split("\n").slice(2)) {
    const at = line.indexOf(":");
    if (at < 0) continue;
    const columns = line
      .slice(at + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    const [rxBytes, rx, , rxDropped, , , , , txBytes, tx, , txDropped] = columns;
    const counters = { rx, tx, rxDropped, txDropped, rxBytes, txBytes };
    if (!isComplete(counters)) {
      throw new BridgescopeError(`/proc/net/dev has a line that is not understood: ${line}`);
    }
    devices.set(line.slice(0, at).trim(), counters);
  }
  return devices;
}

function isComplete(
  counters: { [Name in keyof Counters]: number | undefined },
): counters is Counters {
  return Object.values(counters).every(Number.isInteger);
}

export function subtract(after: Counters, before: Counters): Counters {
  return {
    rx: after.rx - before.rx,
    tx: after.tx - before.tx,
    rxDropped: after.rxDropped - before.rxDropped,
    txDropped: after.txDropped - before.txDropped,
    rxBytes: after.rxBytes - before.rxBytes,
    txBytes: after.txBytes - before.txBytes,
  };
}

/** True when no device's counters differ. */
export function sameCounters(a: Map<string, Counters>, b: Map<string, Counters>): boolean {
  return a.size === b.size && JSON.stringify([...a]) === JSON.stringify([...b]);
}
