import { readFileSync } from "node:fs";
import { inNamespace, type NetworkNamespace } from "./netns.ts";

/** Interface counters as /proc/net/dev gives them: packets, and packets dropped. */
export interface Counters {
  rx: number;
  tx: number;
  rxDropped: number;
  txDropped: number;
}

/** The counters of every device of the namespace; one file, no process. */
export function readCounters(namespace: NetworkNamespace): Map<string, Counters> {
  return inNamespace(namespace, () =>
    parseCounters(readFileSync("/proc/thread-self/net/dev", "utf8")),
  );
}

/** Columns of /proc/net/dev: see dev_seq_printf_stats in the kernel. */
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
    devices.set(line.slice(0, at).trim(), {
      rx: columns[1] ?? 0,
      rxDropped: columns[3] ?? 0,
      tx: columns[9] ?? 0,
      txDropped: columns[11] ?? 0,
    });
  }
  return devices;
}

export function subtract(after: Counters, before: Counters): Counters {
  return {
    rx: after.rx - before.rx,
    tx: after.tx - before.tx,
    rxDropped: after.rxDropped - before.rxDropped,
    txDropped: after.txDropped - before.txDropped,
  };
}

/** True when no device's counters differ. */
export function sameCounters(a: Map<string, Counters>, b: Map<string, Counters>): boolean {
  return a.size === b.size && JSON.stringify([...a]) === JSON.stringify([...b]);
}
