/** A record of what a bridge did in an interval. */

import { portName } from "../bridge/port-name.ts";
import type { BridgeState } from "../bridge/state.ts";
import { WATCH_SCHEMA, type WatchPort, type WatchRecord } from "../document/watch.ts";
import type { Phase } from "../live/guard.ts";
import type { Counters, WatchedBridge } from "./bridge.ts";
import { splitTotals, type Tally, UNCOUNTED } from "./tally.ts";

export interface Interval {
  seconds: number;
  phase: Phase;
  limit: number;
  softnetDrops: number | null;
  /** Interface counters at its two ends. */
  before: Counters;
  after: Counters;
  /** Of the other links that there were in its namespace when it began. */
  others: Counters;
  inFlight: number | null;
  lost: number;
  /** Of a port, or of the bridge's own device, by ifindex; null where nothing was counted. */
  tally: ((ifindex: number) => Tally) | null;
  /** Of --mac. */
  follow: string | null;
  /** Events younger than this wait for the next record. */
  holdMs: number;
  notes: readonly string[];
}

export function recordOf(bridge: WatchedBridge, interval: Interval): WatchRecord {
  const state = bridge.state();
  const { phase, follow } = interval;
  const { name, ifindex, place } = state;
  const { events, more } = bridge.events(interval.holdMs);
  const ports = portsOf(state, interval);
  return {
    schema: WATCH_SCHEMA,
    time: new Date().toISOString(),
    bridge: { name, ifindex, namespace: { inode: place.inode, label: place.label } },
    seconds: interval.seconds,
    counted: interval.tally === null ? 0 : phase.whole ? interval.seconds : phase.counted,
    estimated: isEstimated(interval),
    ports,
    inFlight: interval.inFlight,
    lost: interval.lost,
    fdb: {
      events: follow === null ? events : events.filter(({ address }) => address === follow),
      more,
      follow: follow === null ? null : { address: follow, entries: entriesOf(bridge, follow) },
    },
    overhead: {
      share: phase.share,
      limit: interval.limit,
      sampledOneIn: phase.sampledOneIn,
      softnetDrops: interval.softnetDrops,
    },
    notes: [...phase.notes, ...interval.notes, ...netfilterNotes(ports, interval.inFlight ?? 0)],
  };
}

/** What is not known of frames that did not leave while they were in hand. Nothing keeps those that were on their way while it was read. */
function netfilterNotes(ports: readonly WatchPort[], inFlight: number): string[] {
  const of = (name: "held" | "later") => ports.reduce((sum, port) => sum + (port[name] ?? 0), 0);
  const [held, later] = [of("held"), of("later")];
  return [
    ...(later === 0
      ? []
      : [
          `${later === 1 ? "a copy" : `${later} copies`} left later than the frame came or cut anew (netfilter: reassembly, a queue, an unknown neighbour): counted at the port that the frame came in by`,
        ]),
    ...(held <= inFlight
      ? []
      : [
          `${held === 1 ? "a frame" : `${held} frames`} neither left nor dropped yet: netfilter, tc or a socket at the port has ${held === 1 ? "it" : "them"}`,
        ]),
  ];
}

function isEstimated({ tally, phase }: Interval): boolean {
  return tally !== null && !phase.whole;
}

function portsOf(state: BridgeState, interval: Interval): WatchPort[] {
  const port = (ifindex: number, head: Pick<WatchPort, "name" | "owner" | "state">): WatchPort => {
    const counters = difference(counterBefore(ifindex, interval), interval.after.get(ifindex));
    const counted = interval.tally?.(ifindex) ?? UNCOUNTED;
    const timesLonger = interval.seconds / interval.phase.counted;
    const tally = isEstimated(interval) ? splitTotals(counted, counters, timesLonger) : counted;
    return { ...head, ifindex, counters, ...tally };
  };
  return [
    port(state.ifindex, { name: "host", owner: null, state: state.up ? "up" : "down" }),
    ...state.ports.map(({ name, ifindex, owner, state: stp }) =>
      port(ifindex, { name, owner: owner && plainOwner(owner), state: stp }),
    ),
  ];
}

function plainOwner(owner: NonNullable<BridgeState["ports"][number]["owner"]>): WatchPort["owner"] {
  const { namespace } = owner;
  return {
    ...owner,
    namespace: namespace && { inode: namespace.inode, label: namespace.label },
  };
}

/** A port that joined was another link before, or was made since. */
function counterBefore(
  ifindex: number,
  { before, others }: Interval,
): WatchPort["counters"] | undefined {
  const known = before.get(ifindex) ?? others.get(ifindex);
  return known ?? (before.size === 0 ? undefined : { rx: 0, tx: 0, txDropped: 0 });
}

/** Nothing where a port went in between. */
function difference(
  before: WatchPort["counters"] | undefined,
  after: WatchPort["counters"] | undefined,
): WatchPort["counters"] {
  const of = (name: keyof WatchPort["counters"]) =>
    before === undefined || after === undefined ? 0 : Math.max(0, after[name] - before[name]);
  return { rx: of("rx"), tx: of("tx"), txDropped: of("txDropped") };
}

function entriesOf(bridge: WatchedBridge, address: string) {
  return [...bridge.entries().values()]
    .filter((entry) => entry.address === address)
    .map((entry) => ({
      vlan: entry.vlan,
      port: portName(bridge.state(), entry.port),
      kind: entry.local
        ? ("local" as const)
        : entry.static
          ? ("static" as const)
          : ("learned" as const),
    }));
}
