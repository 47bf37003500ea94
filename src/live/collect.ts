/** What a bridge does with its frames for a while, by flow. */

import { entriesAt } from "../bridge/fdb.ts";
import { type Link, readLinks } from "../bridge/links.ts";
import { atPlace } from "../bridge/places.ts";
import { bridgeGone, readBridge } from "../bridge/read-bridge.ts";
import type { BridgeState } from "../bridge/state.ts";
import type { EndedEarly } from "../document/explain.ts";
import type { BackendName } from "../probes/backend.ts";
import type { ProbeMaps } from "../probes/maps.ts";
import { LIVE } from "../probes/programs.ts";
import { ipText, type NeighbourFeed, openNeighbourFeed } from "../system/neighbours.ts";
import { macOfInteger } from "../text/mac-address.ts";
import { type LiveBackend, liveBackends } from "./backend.ts";
import { type ByHand, takeByHand } from "./by-hand.ts";
import { createGuard, type GuardedProbes } from "./guard.ts";
import { partNote } from "./pace.ts";
import { type LiveProgram, loadLive } from "./program.ts";
import { createSlots, fdbEntries, hostEntry, portEntries, type Slots } from "./program-keys.ts";
import { createSteps, type FlowCount, type FlowStep, type Steps } from "./steps.ts";

export interface CollectOptions {
  seconds: number;
  backend: LiveBackend;
  /** Most of one CPU that the probes may take over a second, as a share. */
  maxOverhead: number;
  /** Ends the collecting; what was counted so far is the answer. */
  signal?: AbortSignal | undefined;
  /** Called now and then with what was counted so far. */
  onSoFar?: ((soFar: Collected) => void) | undefined;
  /** Called when the probes are attached and count. */
  onCounting?: (() => void) | undefined;
}

export type FlowClass = "unknownUnicast" | "broadcast" | "multicast";

export interface Flow {
  class: FlowClass;
  /**
   * Ifindex of the port it came in by; the bridge's own for what the host sends; 0 for a port that joined meanwhile where
   * nothing tells which.
   */
  port: number;
  source: string;
  destination: string;
  vlan: number;
  frames: number;
  bytes: number;
  /** To all ports and to the host, and, of these, to the host. */
  copies: number;
  hostCopies: number;
  /** How often its TCP acknowledgement number changed: somebody answers. 0 for what is not TCP in IPv4. */
  acknowledged: number;
  /**
   * What came since the step before, in the order of time, for windows of a second: milliseconds since `beganNs` at its
   * end, frames, and copies by ports (none of the host's own). Steps without frames and copies are left out.
   */
  steps: FlowStep[];
  /** Of its first frame, by CLOCK_MONOTONIC in nanoseconds; 0 where that was not seen. */
  firstNs: number;
  /** Of the IP or ARP header of its first frame. */
  addresses: { source: string | null; destination: string | null; protocol: string | null };
  /** Of TCP or UDP of its first frame; null for what is neither, and for a fragment that is not the first. */
  sourcePort: number | null;
  destinationPort: number | null;
}

export interface Home {
  address: string;
  vlan: number;
  /** Ifindex. */
  port: number;
  /** An address of the bridge's own or a port's. */
  local: boolean;
}

export interface Collected {
  /** Seconds that all of this is of, and when they began, by CLOCK_MONOTONIC in nanoseconds. */
  seconds: number;
  beganNs: number;
  /**
   * Seconds of these in which frames were counted. Where they are fewer, what a port's frames did is scaled by how many of
   * the frames that its interface counted came meanwhile.
   */
  counted: number;
  backend: BackendName;
  flows: Flow[];
  /** Copies of frames for a destination that left by a port; 0 for one that joined meanwhile where nothing tells which. */
  got: { destination: string; vlan: number; port: number; copies: number }[];
  moves: { address: string; vlan: number; port: number; moves: number }[];
  /** Entries that somebody deleted by hand. */
  deleted: Pick<ByHand, "address" | "by">[];
  /** Every entry of a single host that its FDB had at any time meanwhile; one for each port where the address moved. */
  homes: Home[];
  /** Of one CPU, over all of the time. */
  share: number;
  /** Why it ended early, and the same in a sentence. */
  ended: { early: EndedEarly; text: string } | null;
  notes: string[];
}

const STEP_MS = 250;
/** Of the time; what is missing then is that between the looks. */
export const WHOLE = 0.98;
/** The only one that the program looks at. */
const BRIDGE = 1;
const CLASSES: Record<number, FlowClass> = { 4: "unknownUnicast", 6: "broadcast", 7: "multicast" };

/** Loads probes, counts, and lets them go; nothing stays behind, however it ends. */
export async function collect(state: BridgeState, options: CollectOptions): Promise<Collected> {
  const program = await loadLive(LIVE, await liveBackends(options.backend, LIVE), options.signal);
  const feed = program.maps.has("fdb") ? atPlace(state.place, openNeighbourFeed) : null;
  try {
    return await count(state, program, feed, options);
  } finally {
    feed?.close();
    await program.close();
  }
}

async function count(
  state: BridgeState,
  { maps, backend, ready, attach, detach, cost }: LiveProgram,
  feed: NeighbourFeed | null,
  {
    seconds,
    maxOverhead,
    signal = new AbortController().signal,
    onSoFar,
    onCounting,
  }: CollectOptions,
): Promise<Collected> {
  const slots = createSlots();
  const acts: ByHand[] = [];
  const poll = () => acts.push(...takeByHand(maps, ["deleted"]));
  /** What the bridge is called, and was. */
  const called = new Set([state.name]);
  maps.add("ports", portEntries(BRIDGE, state, slots));
  if (maps.has("host")) maps.add("host", [hostEntry(BRIDGE, state, slots)]);
  let behind = true;
  /** What happened to the FDB while nothing was counted; and of entries that were set by hand, which no program sees. */
  const mirror = () => {
    if (feed === null) return;
    const { messages, overrun } = feed.read();
    if (!behind && !overrun && messages.length === 0) return;
    behind = false;
    maps.set("fdb", fdbEntries(BRIDGE, state, entriesAt(state.place, state.ifindex), slots));
  };
  const traffic = createTraffic(state);
  const probes: GuardedProbes = {
    attach: () => {
      traffic.begins();
      attach();
    },
    detach: () => {
      detach();
      traffic.ends();
    },
    ...{ ready, time: () => {}, cost },
  };
  const guard = createGuard({ probes, limit: maxOverhead, onCount: mirror, signal });
  await guard.begin(poll);
  const beganNs = Number(process.hrtime.bigint());
  const started = performance.now();
  let ended: Collected["ended"] = null;
  let [counted, cpu] = [0, 0];
  const elapsed = () => Math.max(1, performance.now() - started) / 1000;
  const steps = createSteps();
  /** Steps that end together: nothing was counted in those before the last one. */
  let span = 1;
  const endStep = (counted: number) => {
    if (counted === 0) {
      span++;
      return;
    }
    const factor = traffic.stepFactors();
    const byFlow = (key: string) => factor(portOfFlow(slots, key));
    steps.end(performance.now() - started, flowCounts(maps), byFlow, span);
    span = 1;
  };
  const soFar = (): Collected => {
    const [all, seen] = [elapsed(), read(maps, slots, steps)];
    const part = counted / all;
    return {
      ...(part < WHOLE ? scaled(seen, traffic.factors()) : seen),
      ...{ beganNs, homes: [], share: cpu / all, ended, seconds: all },
      deleted: acts.filter(({ device }) => called.has(device)),
      ...{ counted: Math.min(counted, all), backend, notes: [] },
    };
  };
  const known = new Set(state.ports.map(({ ifindex }) => ifindex));
  let thereAt = Date.now();
  /** Its ports as they are now; null, and that it has ended, where the bridge is gone. */
  const portsNow = (): Link[] | null => {
    const links = readLinks(state.place);
    const own = links.find(({ ifindex, kind }) => ifindex === state.ifindex && kind === "bridge");
    if (own !== undefined) {
      called.add(own.name);
      thereAt = Date.now();
      return links.filter(({ master }) => master === state.ifindex);
    }
    ended = endedGone(state.name, elapsed());
    // A bridge takes its entries with it: those nobody deleted on purpose.
    acts.splice(0, acts.length, ...acts.filter(({ at }) => at <= thereAt));
    return null;
  };
  const end = started + seconds * 1000;
  onCounting?.();
  for (let step = 1; ended === null && !signal.aborted && performance.now() < end; step++) {
    const phase = await guard.phase(Math.min(end, performance.now() + STEP_MS), poll);
    counted += phase.counted;
    cpu += (phase.share ?? 0) * phase.seconds;
    endStep(phase.counted);
    if (phase.drops) ended = { early: "backlog", text: phase.notes.join() };
    onSoFar?.(soFar());
    if (step % 4 !== 0) continue;
    const ports = portsNow();
    if (ports === null) break;
    const joined = await joinedBy(known, ports, state);
    if (joined !== null) maps.add("ports", portEntries(BRIDGE, joined, slots));
    mirror();
  }
  poll();
  detach();
  if (ended === null) portsNow();
  const all = counted / elapsed();
  const part = ended === null && all < WHOLE ? partNote(all, maxOverhead) : null;
  return { ...soFar(), notes: [...(part === null ? [] : [part]), ...maps.full(full(maps))] };
}

/** Maps of which a full one leaves something out. */
function full(maps: ProbeMaps): string[] {
  return ["flow", "got", "moves", "fdb"].filter((name) => maps.has(name));
}

export function endedGone(name: string, seconds: number): NonNullable<Collected["ended"]> {
  const text = `${bridgeGone(name)}: it was noticed after ${seconds.toFixed(1)} s of looking at frames, and what was seen until then is the answer`;
  return { early: "bridge-gone", text };
}

/** The bridge as it is now, where ports have joined it that are not known yet; they are from then on. */
async function joinedBy(
  known: Set<number>,
  ports: readonly Link[],
  state: BridgeState,
): Promise<BridgeState | null> {
  const joined = ports.filter(({ ifindex }) => !known.has(ifindex));
  if (joined.length === 0) return null;
  for (const { ifindex } of joined) known.add(ifindex);
  return readBridge(state.place, state.ifindex).catch(() => null);
}

interface Traffic {
  begins(): void;
  ends(): void;
  /** By ifindex of a port, or of the bridge's own device: frames that came in, by those that came while frames were counted. */
  factors(): (ifindex: number) => number;
  /** The same of the time since it was called last. */
  stepFactors(): (ifindex: number) => number;
}

/** By the interface counters, of the time from now on. */
function createTraffic({ place, ifindex: own }: BridgeState): Traffic {
  /** What the host sends comes into the bridge. */
  const now = () =>
    new Map(
      readLinks(place).map(({ ifindex, counters: { rx, tx } }) => [
        ifindex,
        ifindex === own ? tx : rx,
      ]),
    );
  const first = now();
  const counted = new Map<number, number>();
  /** When the step began: the counters, and what of them was counted. */
  let step = { first, counted: new Map<number, number>() };
  let since: Map<number, number> | null = null;
  const add = (until: Map<number, number>) => {
    for (const [ifindex, rx] of until) {
      const more = rx - (since?.get(ifindex) ?? first.get(ifindex) ?? 0);
      counted.set(ifindex, (counted.get(ifindex) ?? 0) + more);
    }
  };
  /** Books until now. */
  const last = () => {
    const until = now();
    if (since !== null) {
      add(until);
      since = until;
    }
    return until;
  };
  const factorsSince = (begin: typeof step) => {
    const until = last();
    const seen = new Map(counted);
    const ratio = (ifindexes: Iterable<number>) => {
      let [all, part] = [0, 0];
      for (const ifindex of ifindexes) {
        all += (until.get(ifindex) ?? 0) - (begin.first.get(ifindex) ?? 0);
        part += (seen.get(ifindex) ?? 0) - (begin.counted.get(ifindex) ?? 0);
      }
      return Math.max(1, all / Math.max(1, part));
    };
    const factor = new Map([...until.keys()].map((ifindex) => [ifindex, ratio([ifindex])]));
    // Of a port that has left nobody has the counters: as of all others together.
    const mean = ratio(until.keys());
    const next = { first: until, counted: seen };
    return { next, factors: (ifindex: number) => factor.get(ifindex) ?? mean };
  };
  return {
    begins: () => {
      since = now();
    },
    ends: () => {
      if (since !== null) add(now());
      since = null;
    },
    factors: () => factorsSince({ first, counted: new Map() }).factors,
    stepFactors: () => {
      const { next, factors } = factorsSince(step);
      step = next;
      return factors;
    },
  };
}

type Seen = Pick<Collected, "flows" | "got" | "moves">;

/** What was counted for a part of the time, as if for all of it. */
function scaled({ flows, got, moves }: Seen, factor: (ifindex: number) => number): Seen {
  /** Copies of frames for a destination, before and after. */
  const copies = new Map<string, { counted: number; all: number }>();
  const keyOf = ({ destination, vlan }: { destination: string; vlan: number }) =>
    `${destination} ${vlan}`;
  const more = flows.map((flow): Flow => {
    const by = factor(flow.port);
    const known = copies.get(keyOf(flow)) ?? { counted: 0, all: 0 };
    copies.set(keyOf(flow), {
      counted: known.counted + flow.copies,
      all: known.all + flow.copies * by,
    });
    return {
      ...flow,
      frames: Math.round(flow.frames * by),
      bytes: Math.round(flow.bytes * by),
      copies: Math.round(flow.copies * by),
      hostCopies: Math.round(flow.hostCopies * by),
    };
  });
  return {
    flows: more,
    got: got.map((one) => {
      const { counted, all } = copies.get(keyOf(one)) ?? { counted: 0, all: 0 };
      return { ...one, copies: Math.round(counted === 0 ? 0 : (one.copies * all) / counted) };
    }),
    moves: moves.map((one) => ({ ...one, moves: Math.round(one.moves * factor(one.port)) })),
  };
}

/** By key of @flow. */
function flowCounts(maps: ProbeMaps): Map<string, FlowCount> {
  const copies = new Map(maps.counts("flowCopies").map(([key, n]) => [key.join(), n] as const));
  return new Map(
    maps.counts("flow").map(([key, frames]) => {
      const flow = key.join();
      return [flow, { frames, copies: copies.get(flow) ?? 0 }] as const;
    }),
  );
}

/** Ifindex of a slot's device; 0 where that is not known. */
function ifindexOf(slots: Slots, slot: bigint): number {
  return Number((slots.device(slot) ?? 0n) & 0xffffffffn);
}

function portOfFlow(slots: Slots, key: string): number {
  const [, flow = "0"] = key.split(",");
  return ifindexOf(slots, BigInt(flow) >> 51n);
}

function read(maps: ProbeMaps, slots: Slots, steps: Steps): Seen {
  const by = (name: string) =>
    new Map(maps.counts(name).map(([key, value]) => [key.join(), value] as const));
  const bytes = by("flowBytes");
  const copies = by("flowCopies");
  const hostCopies = by("flowUp");
  const acks = new Map(maps.tuples("ack").map(([key, value]) => [key.join(), value]));
  const details = new Map(maps.tuples("detail").map(([key, value]) => [key.join(), value]));
  const flows = maps.counts("flow").flatMap(([key, frames]): Flow[] => {
    const [to = 0n, flow = 0n] = key;
    const kind = CLASSES[Number(flow >> 48n) & 7];
    if (kind === undefined) return [];
    return [
      {
        class: kind,
        port: ifindexOf(slots, flow >> 51n),
        source: macOfInteger(flow),
        destination: macOfInteger(to),
        vlan: vlanOf(to),
        frames,
        bytes: bytes.get(key.join()) ?? 0,
        copies: (copies.get(key.join()) ?? 0) + (hostCopies.get(key.join()) ?? 0),
        hostCopies: hostCopies.get(key.join()) ?? 0,
        // The first one that is seen is no change.
        acknowledged: Math.max(0, Number(acks.get(key.join())?.[1] ?? 0n) - 1),
        firstNs: Number(details.get(key.join())?.[0] ?? 0n),
        steps: steps.of(key.join()),
        addresses: addressesOf(details.get(key.join()) ?? []),
        ...{ sourcePort: null, destinationPort: null },
      },
    ];
  });
  const got = maps.counts("got").map(([[to = 0n, slot = 0n], n]) => ({
    destination: macOfInteger(to),
    vlan: vlanOf(to),
    port: ifindexOf(slots, slot),
    copies: n,
  }));
  const moves = maps.counts("moves").map(([[address = 0n, slot = 0n], n]) => ({
    address: macOfInteger(address),
    vlan: vlanOf(address),
    port: ifindexOf(slots, slot),
    moves: n,
  }));
  return { flows, got, moves };
}

/** The bridge's number stands above it. */
function vlanOf(address: bigint): number {
  return Number((address >> 48n) & 0xfffn);
}

const PROTOCOLS: Record<number, string> = {
  1: "ICMP",
  2: "IGMP",
  6: "TCP",
  17: "UDP",
  58: "ICMPv6",
};
/** EtherTypes as they lie in memory on a little-endian machine. */
const IPV4 = 0x8;
const ARP = 0x608;
const IPV6 = 0xdd86;

/** `detail` is @detail of live.bt: time, EtherType, protocol, and the two addresses in halves. */
function addressesOf(detail: readonly bigint[]): Flow["addresses"] {
  const [, type = 0n, protocol = 0n, ...halves] = detail;
  const [sourceHigh = 0n, source = 0n, destinationHigh = 0n, destination = 0n] = halves;
  const kind = Number(type);
  if (![IPV4, ARP, IPV6].includes(kind)) return { source: null, destination: null, protocol: null };
  const text = (high: bigint, low: bigint) => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(kind === IPV6 ? high : low, 0);
    bytes.writeBigUInt64LE(low, 8);
    return ipText(kind === IPV6 ? bytes : bytes.subarray(0, 4));
  };
  return {
    source: text(sourceHigh, source),
    destination: text(destinationHigh, destination),
    protocol: kind === ARP ? "ARP" : (PROTOCOLS[Number(protocol)] ?? `IP protocol ${protocol}`),
  };
}
