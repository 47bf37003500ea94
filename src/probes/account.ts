import type { Decisions } from "../document/run.ts";
import { byClass, CLASSES } from "./decisions.ts";
import type { ProbeCounts } from "./maps.ts";

/** What the probes counted for one port over the whole window. */
export interface PortTally {
  ingress: number;
  egress: number;
  originated: number;
  unattributed: number;
  copies: number;
  learned: number;
  moved: number;
  /** Wire-size segments: frames, plus what offloads packed into them. */
  segments: { ingress: number; egress: number };
  decisions: Decisions;
}

export interface DropTally {
  /** The low half of the address in the kernel's text at which the frame was freed. */
  location: number;
  reason: number;
  leg: "bridge" | "toPort" | "fromPort" | "host";
  count: number;
}

export interface Flooding {
  /** Calls of br_flood by the packet type that the bridge gave. */
  calls: { unicast: number; multicast: number; broadcast: number };
  /** By ifindex: floods that had the port as a target (maybe_deliver), and copies that it got. */
  ports: Map<number, { considered: number; copies: number }>;
}

export interface Account {
  /** By ifindex; the bridge's own is the host's. */
  ports: Map<number, PortTally>;
  aged: number;
  removed: number;
  /** What the bridge's own functions say of its floods; null where they were not probed. */
  flooding: Flooding | null;
  drops: DropTally[];
}

/** Classes of the two bridge.bt. */
const FIRST_CLASS = 1;
const KNOWN_UNICAST = FIRST_CLASS + CLASSES.indexOf("knownUnicast");

const LEGS = ["bridge", "toPort", "fromPort", "host"] as const;

/** Maps of the two bridge.bt in which a key may have found no room. */
const KEYED = [
  ...["in", "way", "out", "copies", "flooded", "originated", "unattributed", "learned", "moved"],
  ...["inExtra", "outExtra", "drops", "fdb"],
];

/** Entries of a map; none where the program has no such map on this kernel. */
type Counts = (map: string) => [key: number[], count: number][];

/** Reads the account out of what bridge.bt holds. `ports` are all ifindexes, the bridge's included. */
export function readAccount(
  maps: ProbeCounts,
  ports: readonly number[],
  withFunctions = false,
): Account {
  const counts: Counts = (name) => {
    if (!maps.has(name)) return [];
    return maps.counts(name).map(([key, count]) => [key.map(Number), count]);
  };
  const copies = readCopies(counts);
  const tallies = readTallies(maps, counts, copies);
  return {
    ports: new Map(ports.map((ifindex) => [ifindex, tallies(ifindex)])),
    aged: sum(counts("aged")),
    removed: sum(counts("removed")),
    flooding: withFunctions ? readFlooding(counts, ports, copies) : null,
    drops: readDrops(counts),
  };
}

/** A sentence for each map of bridge.bt that may be too small: what came last is missing. */
export function fullMaps(maps: ProbeCounts): string[] {
  return maps.full(KEYED.filter(maps.has));
}

/** Ingress frames by ifindex: what @in has, and what each CPU still held of the port that came last. */
function readIngress(maps: ProbeCounts, counts: Counts): Map<number, number> {
  const frames = byPort(counts("in"));
  const held = maps.has("cur") ? maps.tuples("cur") : [];
  for (const [, [, word = 0n, , count = 0n]] of held) {
    // The port is in the upper half.
    add(frames, Number(word >> 32n), Number(count));
  }
  return frames;
}

interface Copies {
  /** All that left by a port. */
  by: Map<number, number>;
  /** Of these, those of frames that were flooded. */
  flooded: Map<number, number>;
  /** All of the frames that came in by a port. */
  of: Map<number, number>;
  /** Frames that left at all, by ingress port and class: a frame's first copy tells it. */
  left: Map<string, number>;
}

/** By both ports from @way, or by each from @out and @copies: a program fills one or the other. */
function readCopies(counts: Counts): Copies {
  const copies: Copies = {
    by: byPort(counts("out")),
    flooded: byPort(counts("flooded")),
    of: new Map(),
    left: new Map(),
  };
  const leave = (from: number, packed: number, count: number) => {
    add(copies.of, from, count);
    if (packed % 2 === 1) add(copies.left, `${from},${packed >> 1}`, count);
  };
  for (const [[to = 0, from = 0, packed = 0], count] of counts("way")) {
    add(copies.by, to, count);
    if (packed >> 1 !== KNOWN_UNICAST) add(copies.flooded, to, count);
    leave(from, packed, count);
  }
  for (const [[from = 0, packed = 0], count] of counts("copies")) leave(from, packed, count);
  return copies;
}

function add<Key>(sums: Map<Key, number>, key: Key, count: number): void {
  sums.set(key, (sums.get(key) ?? 0) + count);
}

function byPort(entries: ReturnType<Counts>): Map<number, number> {
  return new Map(entries.map(([[port = 0], count]) => [port, count]));
}

function sum(entries: ReturnType<Counts>): number {
  return entries.reduce((all, [, count]) => all + count, 0);
}

function readFlooding(counts: Counts, ports: readonly number[], copies: Copies): Flooding {
  const calls = byPort(counts("floods"));
  const targets = byPort(counts("considered"));
  return {
    // enum br_pkt_type
    calls: {
      unicast: calls.get(0) ?? 0,
      multicast: calls.get(1) ?? 0,
      broadcast: calls.get(2) ?? 0,
    },
    ports: new Map(
      ports.map((ifindex) => {
        const considered = targets.get(ifindex) ?? 0;
        // What goes up to the host is no target of a flood.
        return [
          ifindex,
          { considered, copies: considered === 0 ? 0 : (copies.flooded.get(ifindex) ?? 0) },
        ];
      }),
    ),
  };
}

function readTallies(
  maps: ProbeCounts,
  counts: Counts,
  copies: Copies,
): (ifindex: number) => PortTally {
  const frames = readIngress(maps, counts);
  const of = {
    originated: byPort(counts("originated")),
    unattributed: byPort(counts("unattributed")),
    learned: byPort(counts("learned")),
    moved: byPort(counts("moved")),
    inExtra: byPort(counts("inExtra")),
    outExtra: byPort(counts("outExtra")),
  };
  return (ifindex) => {
    const at = (name: keyof typeof of) => of[name].get(ifindex) ?? 0;
    const ingress = frames.get(ifindex) ?? 0;
    const [originated, unattributed] = [at("originated"), at("unattributed")];
    const egress = (copies.by.get(ifindex) ?? 0) + originated + unattributed;
    return {
      ingress,
      egress,
      originated,
      unattributed,
      copies: copies.of.get(ifindex) ?? 0,
      learned: at("learned"),
      moved: at("moved"),
      segments: { ingress: ingress + at("inExtra"), egress: egress + at("outExtra") },
      decisions: decide(copies, ifindex, ingress),
    };
  };
}

/** A frame that left by any port, or went up to the host, is of its class; the rest is filtered. */
function decide({ left }: Copies, port: number, ingress: number): Decisions {
  const gone = byClass((index) => left.get(`${port},${FIRST_CLASS + index}`) ?? 0);
  const all = Object.values(gone).reduce((sum, count) => sum + count, 0);
  return { ...gone, filtered: ingress - all };
}

function readDrops(counts: Counts): DropTally[] {
  return counts("drops").map(([[location = 0, reason = 0, leg = 0], count]) => {
    return { location, reason, leg: LEGS[leg] ?? "bridge", count };
  });
}
