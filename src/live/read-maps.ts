/** What live.bt has counted, by flow, as it lies in its maps. */

import type { BridgeState } from "../bridge/state.ts";
import type { ProbeCounts } from "../probes/maps.ts";
import { ipText } from "../system/neighbours.ts";
import { macOfInteger } from "../text/mac-address.ts";
import type { DropNames } from "./drop-names.ts";
import type { Membership } from "./membership.ts";
import { type FlowCount, type FlowStep, mergedSteps, type Steps } from "./steps.ts";

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

const CLASSES: Record<number, FlowClass> = { 4: "unknownUnicast", 6: "broadcast", 7: "multicast" };
const KNOWN = 5;

export interface Seen {
  flows: Flow[];
  known: KnownFlow[];
  lost: Lost[];
  /** Copies of floods for a destination that left by a port; 0 for one that joined meanwhile where nothing tells which. */
  got: { destination: string; vlan: number; port: number; copies: number }[];
  moves: { address: string; vlan: number; port: number; moves: number }[];
}

/** The maps to be emptied when it begins, in this order: of what is dropped meanwhile the header is there. */
export const COUNTED = [
  ...["flow", "flowBytes", "flowCopies", "flowUp", "got", "moves"],
  ...["longest", "lostDetail", "lost"],
];

/** Maps of which a full one leaves something out. */
export function fullMaps(maps: ProbeCounts): string[] {
  return maps.full(["flow", "lost", "got", "moves", "fdb"].filter((name) => maps.has(name)));
}

/** What was counted for a part of the time, as if for all of it. */
export function scaled(
  { flows, known, lost, got, moves }: Seen,
  factor: (ifindex: number) => number,
): Seen {
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
    known: known.map((one) => ({
      ...one,
      frames: Math.round(one.frames * factor(one.port)),
      copies: Math.round(one.copies * factor(one.port)),
      hostCopies: Math.round(one.hostCopies * factor(one.port)),
    })),
    lost: lost.map((one) => ({ ...one, frames: Math.round(one.frames * factor(one.port)) })),
    moves: moves.map((one) => ({ ...one, moves: Math.round(one.moves * factor(one.port)) })),
  };
}

/** By key of @flow, known ones left out, and of @lost: the second part of both begins with the slot of the ingress. */
export function flowCounts(maps: ProbeCounts): Map<string, FlowCount> {
  const copies = new Map(maps.counts("flowCopies").map(([key, n]) => [key.join(), n] as const));
  const counts = new Map<string, FlowCount>();
  for (const [key, frames] of maps.counts("flow")) {
    const flow = key.join();
    if (classOf(key) !== KNOWN) counts.set(flow, { frames, copies: copies.get(flow) ?? 0 });
  }
  for (const [key, frames] of maps.counts("lost")) counts.set(key.join(), { frames, copies: 0 });
  return counts;
}

/** The slot where the frames of a key of `flowCounts` came in. */
export function slotOf(key: string): bigint {
  return BigInt(key.split(",")[1] ?? 0) >> 51n;
}

function classOf([, flow = 0n]: readonly bigint[]): number {
  return Number(flow >> 48n) & 7;
}

export interface Reading {
  members: Membership;
  steps: Steps;
  names: DropNames;
  state: BridgeState;
}

export function readSeen(maps: ProbeCounts, reading: Reading): Seen {
  const { portOf } = reading.members;
  const by = (name: string) =>
    new Map(maps.counts(name).map(([key, value]) => [key.join(), value] as const));
  const bytes = by("flowBytes");
  const copies = by("flowCopies");
  const hostCopies = by("flowUp");
  const acks = new Map(maps.tuples("ack").map(([key, value]) => [key.join(), value]));
  const details = new Map(maps.tuples("detail").map(([key, value]) => [key.join(), value]));
  const flows: Flow[] = [];
  const known: KnownFlow[] = [];
  for (const [key, frames] of maps.counts("flow")) {
    const [to = 0n, flow = 0n] = key;
    const name = key.join();
    const kind = CLASSES[classOf(key)];
    const all = {
      port: portOf(flow >> 51n),
      source: macOfInteger(flow),
      destination: macOfInteger(to),
      vlan: vlanOf(to),
      frames,
      copies: (copies.get(name) ?? 0) + (hostCopies.get(name) ?? 0),
      hostCopies: hostCopies.get(name) ?? 0,
    };
    if (kind === undefined) {
      known.push(all);
      continue;
    }
    flows.push({
      ...{ class: kind, ...all },
      bytes: bytes.get(name) ?? 0,
      // The first one that is seen is no change.
      acknowledged: Math.max(0, Number(acks.get(name)?.[1] ?? 0n) - 1),
      firstNs: Number(details.get(name)?.[0] ?? 0n),
      steps: reading.steps.of(name),
      ...headerOf(details.get(name) ?? []),
    });
  }
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
  return { flows, known, lost: readLost(maps, reading), got, moves };
}

/** A key of @lost is (destination, slot << 51 | behind << 48 | source, location << 32 | slot where << 19 | reason). */
function readLost(maps: ProbeCounts, { members, steps, names, state }: Reading): Lost[] {
  const details = new Map(maps.tuples("lostDetail").map(([key, value]) => [key.join(), value]));
  const longest = new Map(maps.tuples("longest").map(([key, [bytes]]) => [key.join(), bytes]));
  const hardware = new Set(
    state.ports.filter(({ kind }) => kind === "device").map(({ ifindex }) => ifindex),
  );
  return maps.counts("lost").flatMap(([key, frames]): Lost[] => {
    const [to = 0n, flow = 0n, place = 0n] = key;
    const name = key.join();
    const named = names(Number(place >> 32n), Number(place & 0x7ffffn));
    const one = {
      port: members.portOf(flow >> 51n),
      at: members.portOf((place >> 19n) & 0x1fffn),
      behind: (flow & (1n << 48n)) !== 0n,
      ...named,
    };
    if (NO_LOSS.test(one.where) || (hardware.has(one.at) && isSent(one))) return [];
    const destination = macOfInteger(to);
    return [
      {
        ...one,
        class: castOf(destination),
        source: macOfInteger(flow),
        destination,
        vlan: vlanOf(to),
        frames,
        longest: Number(longest.get(name) ?? 0n),
        steps: steps.of(name),
        firstNs: Number(details.get(name)?.[0] ?? 0n),
        ...headerOf(details.get(name) ?? []),
      },
    ];
  });
}

/** A socket that listens at a port (tcpdump) and is full drops its own copy; a BPDU that STP has read ends there. */
const NO_LOSS = /packet_rcv|^(br_stp_rcv|stp_pdu_rcv|llc_rcv)$/;

/**
 * Drivers of hardware free what they have sent, and older ones do so by kfree_skb and give no reason: nobody can tell that
 * from a drop of theirs.
 */
function isSent({
  port,
  at,
  behind,
  where,
  reason,
}: Pick<Lost, "port" | "at" | "behind" | "where" | "reason">): boolean {
  const noReason = reason === null || reason === "NOT_SPECIFIED";
  return port !== at && !behind && noReason && !STACK.test(where);
}

/** What the bridge, netfilter and the queue in front of a device's driver are made of. */
const STACK = /^_*(br|nf|nft|ebt|dev|netif|sch|tcf|qdisc|pfifo|fq|validate_xmit)_/;

function castOf(destination: string): Lost["class"] {
  if (destination === "ff:ff:ff:ff:ff:ff") return "broadcast";
  return (Number.parseInt(destination.slice(0, 2), 16) & 1) === 0 ? "unicast" : "multicast";
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
export function atHome(
  { flows, known, lost, got, moves }: Seen,
  { members, state }: Pick<Reading, "members" | "state">,
): Seen {
  const [only = 0, ...more] = members.joined();
  const ports = new Map<string, number>();
  /** Of every address, wherever it is. */
  const all = new Map<string, number>(
    members.ownAddresses().map((own) => [`${own} 0`, state.ifindex]),
  );
  const local = new Set<string>();
  for (const home of members.homes()) {
    const key = `${home.address} ${home.vlan}`;
    if (home.local) {
      local.add(key);
      continue;
    }
    all.set(key, home.port);
    if (members.joined().has(home.port)) ports.set(key, home.port);
  }
  const portOf = (port: number, address: string, vlan: number) =>
    port !== 0 ? port : (ports.get(`${address} ${vlan}`) ?? (more.length === 0 ? only : 0));
  // A copy that left is nobody's in particular once its frame is no longer in hand.
  const anyPortOf = (port: number, address: string, vlan: number) =>
    port !== 0 ? port : (all.get(`${address} ${vlan}`) ?? portOf(port, address, vlan));
  // When a port joins the bridge may take another address, which the program hears of a little later.
  const forHost = ({ class: kind, destination, vlan, copies, hostCopies }: Flow) =>
    kind === "unknownUnicast" && copies === hostCopies && local.has(`${destination} ${vlan}`);
  const lostAtHome = (one: Lost): Lost => {
    const port = anyPortOf(one.port, one.source, one.vlan);
    // Two that have no slot are one, as a rule: few ports join at a time.
    const at = one.at === 0 && one.port === 0 ? port : anyPortOf(one.at, one.destination, one.vlan);
    return { ...one, port, at };
  };
  return {
    flows: unique(
      flows.filter((flow) => !forHost(flow)),
      (flow) => ({ ...flow, port: portOf(flow.port, flow.source, flow.vlan) }),
      (flow) => [flow.class, flow.port, flow.source, flow.destination, flow.vlan].join(),
      addFlow,
    ),
    known: unique(
      known,
      (flow) => ({ ...flow, port: portOf(flow.port, flow.source, flow.vlan) }),
      (flow) => [flow.port, flow.source, flow.destination, flow.vlan].join(),
      (a, b) => ({
        ...a,
        frames: a.frames + b.frames,
        copies: a.copies + b.copies,
        hostCopies: a.hostCopies + b.hostCopies,
      }),
    ),
    lost: unique(
      lost,
      lostAtHome,
      ({ port, source, destination, vlan, at, behind, where, reason }) =>
        [port, source, destination, vlan, at, behind, where, reason].join(),
      (a, b) => ({
        ...(b.firstNs !== 0 && (a.firstNs === 0 || b.firstNs < a.firstNs) ? b : a),
        frames: a.frames + b.frames,
        longest: Math.max(a.longest, b.longest),
        steps: mergedSteps(a.steps, b.steps),
      }),
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
