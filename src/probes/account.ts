import type { Decisions } from "../document/run.ts";
import type { Records } from "./records.ts";

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

/** Class numbers of the two bridge.bt. */
const CLASSES = {
  unknownUnicast: 1,
  knownUnicast: 2,
  broadcast: 3,
  multicast: 4,
  local: 5,
} as const;

const LEGS = ["bridge", "toPort", "fromPort", "host"] as const;

/** Reads the account out of what bridge.bt left. `ports` are all ifindexes, the bridge's included. */
export function readAccount(
  records: Records,
  ports: readonly number[],
  withFunctions = false,
): Account {
  const ingress = readIngress(records);
  const copies = readCopies(records);
  return {
    ports: new Map(
      ports.map((ifindex) => [ifindex, tally(records, ifindex, ingress.get(ifindex) ?? 0, copies)]),
    ),
    aged: value(records, "@aged", ""),
    removed: value(records, "@removed", ""),
    flooding: withFunctions ? readFlooding(records, ports, copies) : null,
    drops: readDrops(records),
  };
}

/** Ingress frames by ifindex: what @in has, and what each CPU still held of the port that came last. */
function readIngress(records: Records): Map<number, number> {
  const frames = new Map<number, number>();
  for (const [port, count] of records.maps.get("@in") ?? []) add(frames, Number(port), count);
  for (const [, word, , count] of records.tuples.get("@cur")?.values() ?? []) {
    // No program of ours leaves that: the accounting check will not come out even.
    if (word == null || count == null) continue;
    // The port is in the upper half, which a number of JSON's keeps.
    add(frames, Math.floor(word / 2 ** 32), count);
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
function readCopies(records: Records): Copies {
  const copies: Copies = { by: new Map(), flooded: new Map(), of: new Map(), left: new Map() };
  const leave = (from: number, packed: number, count: number) => {
    add(copies.of, from, count);
    if (packed % 2 === 1) add(copies.left, `${from},${packed >> 1}`, count);
  };
  for (const [key, count] of records.maps.get("@way") ?? []) {
    const [to = 0, from = 0, packed = 0] = key.split(",").map(Number);
    add(copies.by, to, count);
    if (packed >> 1 !== CLASSES.knownUnicast) add(copies.flooded, to, count);
    leave(from, packed, count);
  }
  for (const [key, count] of records.maps.get("@copies") ?? []) {
    const [from = 0, packed = 0] = key.split(",").map(Number);
    leave(from, packed, count);
  }
  for (const [to, count] of records.maps.get("@out") ?? []) add(copies.by, Number(to), count);
  for (const [to, count] of records.maps.get("@flooded") ?? []) {
    add(copies.flooded, Number(to), count);
  }
  return copies;
}

function add<Key>(sums: Map<Key, number>, key: Key, count: number): void {
  sums.set(key, (sums.get(key) ?? 0) + count);
}

function readFlooding(records: Records, ports: readonly number[], copies: Copies): Flooding {
  const calls = (type: number) => value(records, "@floods", String(type));
  return {
    // enum br_pkt_type
    calls: { unicast: calls(0), multicast: calls(1), broadcast: calls(2) },
    ports: new Map(
      ports.map((ifindex) => {
        const considered = value(records, "@considered", String(ifindex));
        // What goes up to the host is no target of a flood.
        return [
          ifindex,
          { considered, copies: considered === 0 ? 0 : (copies.flooded.get(ifindex) ?? 0) },
        ];
      }),
    ),
  };
}

function tally(records: Records, ifindex: number, ingress: number, copies: Copies): PortTally {
  const at = (map: string) => value(records, map, String(ifindex));
  const [originated, unattributed] = [at("@originated"), at("@unattributed")];
  const egress = (copies.by.get(ifindex) ?? 0) + originated + unattributed;
  return {
    ingress,
    egress,
    originated,
    unattributed,
    copies: copies.of.get(ifindex) ?? 0,
    learned: at("@learned"),
    moved: at("@moved"),
    segments: { ingress: ingress + at("@inExtra"), egress: egress + at("@outExtra") },
    decisions: decide(copies, ifindex, ingress),
  };
}

/** A frame that left by any port, or went up to the host, is of its class; the rest is filtered. */
function decide({ left }: Copies, port: number, ingress: number): Decisions {
  const of = (name: keyof typeof CLASSES) => left.get(`${port},${CLASSES[name]}`) ?? 0;
  const decisions = {
    knownUnicast: of("knownUnicast"),
    unknownUnicast: of("unknownUnicast"),
    broadcast: of("broadcast"),
    multicast: of("multicast"),
    local: of("local"),
  };
  const gone = Object.values(decisions).reduce((sum, count) => sum + count, 0);
  return { ...decisions, filtered: ingress - gone };
}

function readDrops(records: Records): DropTally[] {
  return [...(records.maps.get("@drops") ?? [])].map(([key, count]) => {
    const [location = 0, reason = 0, leg = 0] = key.split(",").map(Number);
    return { location, reason, leg: LEGS[leg] ?? "bridge", count };
  });
}

function value(records: Records, map: string, key: string): number {
  return records.maps.get(map)?.get(key) ?? 0;
}

/** Maps that the kernel may have filled to the brim: further entries were dropped in silence. `rooms` has their sizes. */
export function fullMaps(records: Records, rooms: ReadonlyMap<string, number>): string[] {
  return [...records.maps]
    .filter(([name, map]) => !map.has("") && map.size >= (rooms.get(name) ?? Infinity))
    .map(([name]) => name);
}
