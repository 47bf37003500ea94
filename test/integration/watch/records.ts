/** Records of `watch` on a lab, and what they say together. */
import { expect } from "vitest";
import { type WatchPort, type WatchRecord, watchSchema } from "../../../src/document/watch.ts";
import { type WatchOptions, watchBridges } from "../../../src/watch/watch.ts";
import type { FloodLab } from "../explain/lab.ts";

/** What is waited for has come by then, or does not come. */
const LONGEST_S = 30;

export function watching(lab: FloodLab, options: WatchOptions = {}) {
  const netns = String(lab.bridge.pid);
  return watchBridges({ bridge: "br0", netns, intervalSeconds: 0.25, maxOverhead: 1, ...options });
}

/** The records of a second; `act` is called after each, with how many there are. */
export async function during(
  lab: FloodLab,
  act: (step: number) => void,
  options: WatchOptions = {},
): Promise<WatchRecord[]> {
  const records: WatchRecord[] = [];
  for await (const record of watching(lab, { seconds: 1, ...options })) {
    records.push(watchSchema.parse(record));
    act(records.length);
  }
  return records;
}

/** As `during`, up to the record with which `enough` is true. */
export async function until(
  lab: FloodLab,
  enough: (records: readonly WatchRecord[]) => boolean,
  act: (step: number) => void,
  options: WatchOptions = {},
): Promise<WatchRecord[]> {
  const over = new AbortController();
  const all = { ...options, seconds: LONGEST_S, signal: over.signal };
  const seen: WatchRecord[] = [];
  for await (const record of watching(lab, all)) {
    seen.push(watchSchema.parse(record));
    act(seen.length);
    if (enough(seen)) over.abort();
  }
  return seen;
}

export function portOf(record: WatchRecord | undefined, name: string): WatchPort {
  const port = record?.ports.find((one) => one.name === name);
  if (port === undefined) throw new Error(`there is no port ${name}`);
  return port;
}

export const sum = (
  records: readonly WatchRecord[],
  name: string,
  of: (port: WatchPort) => number | null,
) => records.reduce((all, record) => all + (of(portOf(record, name)) ?? Number.NaN), 0);

export const sumAll = (
  records: readonly WatchRecord[],
  of: (port: WatchPort) => number | null,
  ports = PORTS,
) => ports.reduce((all, name) => all + sum(records, name, of), 0);

const PORTS = ["host", "pa", "pb", "pc"];

/** Expects of every port what its interface counters say, but for what passed while they were read. */
export function expectBalanced(records: readonly WatchRecord[], ports = PORTS): void {
  const most = records.reduce((all, { inFlight }) => all + (inFlight ?? Number.NaN), 0);
  for (const name of ports) {
    const books = {
      ingress: sum(records, name, (port) => port.ingress),
      egress: sum(records, name, (port) => port.egress),
      originated: sum(records, name, (port) => port.originated),
      unattributed: sum(records, name, (port) => port.unattributed),
      rx: sum(records, name, (port) => port.counters.rx),
      tx: sum(records, name, (port) => port.counters.tx + port.counters.txDropped),
    };
    // What the bridge sends of itself to its host no interface counts.
    const egress = books.egress - (name === "host" ? books.originated : 0);
    const off = Math.max(Math.abs(books.ingress - books.rx), Math.abs(egress - books.tx));
    expect({ name, ...books, most, balanced: off <= most }).toMatchObject({ balanced: true });
  }
  const copies = sumAll(records, (port) => port.copies, ports);
  const rest = sumAll(records, (port) => (port.originated ?? 0) + (port.unattributed ?? 0), ports);
  expect(copies + rest).toBe(sumAll(records, (port) => port.egress, ports));
}
