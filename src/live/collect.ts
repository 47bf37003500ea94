/** What a bridge does with its frames for a while, by flow. */

import { readLinks } from "../bridge/links.ts";
import { bridgeGone } from "../bridge/read-bridge.ts";
import type { BridgeState } from "../bridge/state.ts";
import type { EndedEarly } from "../document/explain.ts";
import type { BackendName } from "../probes/backend.ts";
import type { ProbeMaps } from "../probes/maps.ts";
import { LIVE } from "../probes/programs.ts";
import { ipText } from "../system/neighbours.ts";
import { macOfInteger } from "../text/mac-address.ts";
import { type LiveBackend, liveBackends } from "./backend.ts";
import { type ByHand, takeByHand } from "./by-hand.ts";
import { createGuard, type GuardedProbes } from "./guard.ts";
import { followMembers, type Home, type Membership } from "./membership.ts";
import { countedTime, partNote } from "./pace.ts";
import { type LiveProgram, loadLive } from "./program.ts";
import { createSteps, type FlowCount, type FlowStep, mergedSteps, type Steps } from "./steps.ts";

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

/** Frames of one source for one destination that has an entry, which a bridge sends by one port. */
export interface KnownFlow {
  /** As in Flow. */
  port: number;
  source: string;
  destination: string;
  vlan: number;
  frames: number;
  /** By ports, and to the host itself. */
  copies: number;
  hostCopies: number;
}

/**
 * Frames of one flow, or copies of them, that the kernel freed on their way (skb:kfree_skb) for one reason at one place.
 * A frame that the bridge drops is one; of a flooded one that left, each copy that was freed behind its port is one.
 */
export interface Lost {
  class: "unicast" | "broadcast" | "multicast";
  /** As in Flow. */
  port: number;
  source: string;
  destination: string;
  vlan: number;
  frames: number;
  /** Ifindex of the port where it was dropped: the ingress where the bridge chose none or had not chosen, else the egress. */
  at: number;
  /** It had left by that port, and its other end did not get it. */
  behind: boolean;
  /** The kernel function that freed it. */
  where: string;
  /** By the kernel's name, without SKB_DROP_REASON_; null where it tells none (before Linux 5.17). */
  reason: string | null;
  /** Bytes of its longest one from the Ethernet header on; of one that stands for several segments, that of a segment. */
  longest: number;
  steps: FlowStep[];
  firstNs: number;
  addresses: Flow["addresses"];
  sourcePort: number | null;
  destinationPort: number | null;
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
  /** Frames that came in by its ports, by their interface counters; without those of ports that have left. */
  came: number;
  flows: Flow[];
  known: KnownFlow[];
  lost: Lost[];
  /** Frames that found a CPU's backlog full (/proc/net/softnet_stat), whosever they were. */
  softnetDropped: number;
  /** Copies of frames for a destination that left by a port; 0 for one that joined meanwhile where nothing tells which. */
  got: { destination: string; vlan: number; port: number; copies: number }[];
  moves: { address: string; vlan: number; port: number; moves: number }[];
  /** Entries that somebody deleted by hand. */
  deleted: Pick<ByHand, "address" | "by">[];
  /** Every entry of a single host that its FDB had at any time meanwhile; one for each port where the address moved. */
  homes: Home[];
  /** Link-layer addresses that the bridge device had meanwhile, from the first to the last. */
  ownAddresses: string[];
  /** Of one CPU, over all of the time. */
  share: number;
  /** Why it ended early, and the same in a sentence. */
  ended: { early: EndedEarly; text: string } | null;
  notes: string[];
}

const STEP_MS = 250;
/** Netlink tells of what comes and goes; a namespace that is gone says nothing. */
const STEPS_TO_CHECK = 4;
/** Of the time; what is missing then is that between the looks. */
export const WHOLE = 0.98;
const CLASSES: Record<number, FlowClass> = { 4: "unknownUnicast", 6: "broadcast", 7: "multicast" };

/** Loads probes, counts, and lets them go; nothing stays behind, however it ends. */
export async function collect(state: BridgeState, options: CollectOptions): Promise<Collected> {
  const program = await loadLive(LIVE, await liveBackends(options.backend, LIVE), options.signal);
  try {
    const members = followMembers(state, program.maps);
    try {
      return await count(state, program, members, options);
    } finally {
      members.close();
    }
  } finally {
    await program.close();
  }
}

async function count(
  state: BridgeState,
  { maps, backend, ready, attach, detach, cost }: LiveProgram,
  members: Membership,
  {
    seconds,
    maxOverhead,
    signal = new AbortController().signal,
    onSoFar,
    onCounting,
  }: CollectOptions,
): Promise<Collected> {
  const acts: ByHand[] = [];
  let [there, thereAt] = [true, Date.now()];
  const look = (at: () => boolean) => {
    if (there) there = at();
    if (there) thereAt = Date.now();
  };
  const poll = () => {
    acts.push(...takeByHand(maps, ["deleted"]));
    if (there) there = members.follow();
  };
  const traffic = createTraffic(state);
  const probes: GuardedProbes = {
    attach: () => attach(0, traffic.begins),
    detach: () => detach(traffic.ends),
    ...{ ready, time: () => {}, cost },
  };
  // What happened to the FDB while nothing was counted no program has seen.
  const onCount = () => look(members.check);
  const guard = createGuard({ probes, limit: maxOverhead, onCount, signal });
  await guard.begin(poll);
  // In this order, and at the end in the other one: no more frames are counted than the interfaces have.
  traffic.restart();
  for (const name of COUNTED) maps.clear(name);
  const beganNs = Number(process.hrtime.bigint());
  const started = performance.now();
  let ended: Collected["ended"] = null;
  const time = countedTime(started);
  let cpu = 0;
  /** When the probes were gone: what is done after that is no time of looking. */
  let stopped: number | null = null;
  const elapsed = () => Math.max(1, (stopped ?? performance.now()) - started) / 1000;
  const steps = createSteps();
  /** Steps that end together: nothing was counted in those before the last one. */
  let span = 1;
  const endStep = (counted: number) => {
    if (counted === 0) {
      span++;
      return;
    }
    const factor = traffic.stepFactors();
    const byFlow = (key: string) => factor(members.portOf(BigInt(key.split(",")[1] ?? 0) >> 51n));
    steps.end(performance.now() - started, flowCounts(maps), byFlow, span);
    span = 1;
  };
  const soFar = (): Collected => {
    const [all, seen] = [elapsed(), read(maps, members, steps)];
    const part = time.seconds() / all;
    return {
      ...atHome(part < WHOLE ? scaled(seen, traffic.factors()) : seen, members),
      ...{ known: [], lost: [], softnetDropped: 0 },
      ...{ homes: members.homes(), ownAddresses: members.ownAddresses() },
      ...{ beganNs, share: cpu / all, ended, seconds: all },
      deleted: acts.filter(({ device }) => members.names().has(device)),
      ...{ came: traffic.came(), counted: Math.min(time.seconds(), all), backend, notes: [] },
    };
  };
  const endGone = () => {
    ended = endedGone(state.name, elapsed());
    // A bridge takes its entries with it: those nobody deleted on purpose.
    acts.splice(0, acts.length, ...acts.filter(({ at }) => at <= thereAt));
  };
  const end = started + seconds * 1000;
  onCounting?.();
  for (let step = 1; ended === null && !signal.aborted && performance.now() < end; step++) {
    const phase = await guard.phase(Math.min(end, performance.now() + STEP_MS), poll);
    time.ended(performance.now(), phase);
    cpu += (phase.share ?? 0) * phase.seconds;
    endStep(phase.counted);
    if (phase.drops) ended = { early: "backlog", text: phase.notes.join() };
    onSoFar?.(soFar());
    if (step % STEPS_TO_CHECK === 0) look(members.check);
    if (!there) endGone();
  }
  poll();
  await probes.detach();
  stopped = performance.now();
  time.stopped(stopped);
  const came = traffic.came();
  look(members.check);
  if (ended === null && !there) endGone();
  const all = time.seconds() / elapsed();
  const part = ended === null && all < WHOLE ? partNote(all, maxOverhead) : null;
  return { ...soFar(), came, notes: [...(part === null ? [] : [part]), ...maps.full(full(maps))] };
}

/** What live.bt counts of flows. */
const COUNTED = ["flow", "flowBytes", "flowCopies", "flowUp", "got", "moves"];

/** Maps of which a full one leaves something out. */
function full(maps: ProbeMaps): string[] {
  return ["flow", "got", "moves", "fdb"].filter((name) => maps.has(name));
}

export function endedGone(name: string, seconds: number): NonNullable<Collected["ended"]> {
  const text = `${bridgeGone(name)}: it was noticed after ${seconds.toFixed(1)} s of looking at frames, and what was seen until then is the answer`;
  return { early: "bridge-gone", text };
}

interface Traffic {
  begins(): void;
  ends(): void;
  /** By ifindex of a port, or of the bridge's own device: frames that came in, by those that came while frames were counted. */
  factors(): (ifindex: number) => number;
  /** The same of the time since it was called last. */
  stepFactors(): (ifindex: number) => number;
  /** Begins anew: what came while the probes were made ready is of no time that is looked at. */
  restart(): void;
  /** Frames that came in by the ports that there are. */
  came(): number;
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
  let first = now();
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
    restart: () => {
      first = last();
      counted.clear();
      step = { first, counted: new Map() };
    },
    came: () =>
      readLinks(place)
        .filter(({ master }) => master === own)
        .reduce(
          (all, { ifindex, counters: { rx } }) => all + Math.max(0, rx - (first.get(ifindex) ?? 0)),
          0,
        ),
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

function read(maps: ProbeMaps, { portOf }: Membership, steps: Steps): Seen {
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
        port: portOf(flow >> 51n),
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
        ...headerOf(details.get(key.join()) ?? []),
      },
    ];
  });
  const got = maps.counts("got").map(([[to = 0n, slot = 0n], n]) => ({
    destination: macOfInteger(to),
    vlan: vlanOf(to),
    port: portOf(slot),
    copies: n,
  }));
  const moves = maps.counts("moves").map(([[address = 0n, slot = 0n], n]) => ({
    address: macOfInteger(address),
    vlan: vlanOf(address),
    port: portOf(slot),
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

/** Of TCP and UDP. */
const WITH_PORTS = [6, 17];

/** `detail` is @detail of live.bt: time, EtherType, protocol with ports and fragment, and the two addresses in halves. */
function headerOf(
  detail: readonly bigint[],
): Pick<Flow, "addresses" | "sourcePort" | "destinationPort"> {
  const [, type = 0n, transport = 0n, ...halves] = detail;
  const [sourceHigh = 0n, source = 0n, destinationHigh = 0n, destination = 0n] = halves;
  const kind = Number(type);
  const noPorts = { sourcePort: null, destinationPort: null };
  if (![IPV4, ARP, IPV6].includes(kind))
    return { addresses: { source: null, destination: null, protocol: null }, ...noPorts };
  const text = (high: bigint, low: bigint) => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(kind === IPV6 ? high : low, 0);
    bytes.writeBigUInt64LE(low, 8);
    return ipText(kind === IPV6 ? bytes : bytes.subarray(0, 4));
  };
  const protocol = Number(transport & 0xffn);
  const addresses = {
    source: text(sourceHigh, source),
    destination: text(destinationHigh, destination),
    protocol: kind === ARP ? "ARP" : (PROTOCOLS[protocol] ?? `IP protocol ${protocol}`),
  };
  const first = transport >> 40n === 0n;
  if (kind === ARP || !first || !WITH_PORTS.includes(protocol)) return { addresses, ...noPorts };
  const ports = Buffer.alloc(8);
  ports.writeBigUInt64LE(transport >> 8n);
  return { addresses, sourcePort: ports.readUInt16BE(0), destinationPort: ports.readUInt16BE(2) };
}

/**
 * Whose a frame of a port was that had joined and that the program was not told of yet: of the port behind which the FDB
 * had its address, or else of the only one that joined.
 */
function atHome({ flows, got, moves }: Seen, members: Membership): Seen {
  const [only = 0, ...more] = members.joined();
  const ports = new Map<string, number>();
  const local = new Set<string>();
  for (const home of members.homes()) {
    if (home.local) local.add(`${home.address} ${home.vlan}`);
    else if (members.joined().has(home.port)) ports.set(`${home.address} ${home.vlan}`, home.port);
  }
  const portOf = (port: number, address: string, vlan: number) =>
    port !== 0 ? port : (ports.get(`${address} ${vlan}`) ?? (more.length === 0 ? only : 0));
  // When a port joins the bridge may take another address, which the program hears of a little later.
  const forHost = ({ class: kind, destination, vlan, copies, hostCopies }: Flow) =>
    kind === "unknownUnicast" && copies === hostCopies && local.has(`${destination} ${vlan}`);
  return {
    flows: unique(
      flows.filter((flow) => !forHost(flow)),
      (flow) => ({ ...flow, port: portOf(flow.port, flow.source, flow.vlan) }),
      (flow) => [flow.class, flow.port, flow.source, flow.destination, flow.vlan].join(),
      addFlow,
    ),
    got: unique(
      got,
      (one) => ({ ...one, port: portOf(one.port, one.destination, one.vlan) }),
      (one) => [one.destination, one.vlan, one.port].join(),
      (a, b) => ({ ...a, copies: a.copies + b.copies }),
    ),
    moves: unique(
      moves,
      (one) => ({ ...one, port: portOf(one.port, one.address, one.vlan) }),
      (one) => [one.address, one.vlan, one.port].join(),
      (a, b) => ({ ...a, moves: a.moves + b.moves }),
    ),
  };
}

function unique<T>(
  all: readonly T[],
  change: (one: T) => T,
  key: (one: T) => string,
  add: (a: T, b: T) => T,
): T[] {
  const found = new Map<string, T>();
  for (const one of all.map(change)) {
    const known = found.get(key(one));
    found.set(key(one), known === undefined ? one : add(known, one));
  }
  return [...found.values()];
}

function addFlow(a: Flow, b: Flow): Flow {
  const [first, other] =
    b.firstNs !== 0 && (a.firstNs === 0 || b.firstNs < a.firstNs) ? [b, a] : [a, b];
  return {
    ...first,
    frames: first.frames + other.frames,
    bytes: first.bytes + other.bytes,
    copies: first.copies + other.copies,
    hostCopies: first.hostCopies + other.hostCopies,
    acknowledged: first.acknowledged + other.acknowledged,
    steps: mergedSteps(first.steps, other.steps),
  };
}
