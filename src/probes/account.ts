import type { Decisions, Stage } from "../document/run.ts";
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
  bytes: { ingress: number; egress: number };
  decisions: Decisions;
}

export interface StageSamples {
  stage: Stage;
  round: number;
  /** Ifindex of the port, or 0 where latency is not booked by port. */
  port: number;
  /** [lo, hi, count] in nanoseconds, lo <= value < hi. */
  bucket: [number, number, number];
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
  samples: StageSamples[];
}

/** Class numbers of the two bridge.bt. */
const UNKNOWN = 0;
const KNOWN = 1;
const BROADCAST = 2;
const MULTICAST = 3;
const OWN = 4;
/** Function probes count a frame before the bridge has decided. */
const UNDECIDED = 5;
const CLASSES = [UNKNOWN, KNOWN, BROADCAST, MULTICAST, OWN, UNDECIDED];

const STAGE_NUMBERS: Record<number, Stage> = {
  1: "veth.in",
  2: "bridge.forward",
  3: "bridge.flood",
  4: "bridge.learn",
  5: "path",
  6: "bridge.lookup",
};
const LEGS = ["bridge", "toPort", "fromPort", "host"] as const;

/** Reads the account out of what bridge.bt left. `ports` are all ifindexes, the bridge's included. */
export function readAccount(
  records: Records,
  ports: readonly number[],
  withFunctions = false,
): Account {
  return {
    ports: new Map(ports.map((ifindex) => [ifindex, tally(records, ifindex)])),
    aged: value(records, "@aged", ""),
    removed: value(records, "@removed", ""),
    flooding: withFunctions ? readFlooding(records, ports) : null,
    drops: readDrops(records),
    samples: readSamples(records),
  };
}

function readFlooding(records: Records, ports: readonly number[]): Flooding {
  const calls = (type: number) => value(records, "@floods", String(type));
  return {
    // enum br_pkt_type
    calls: { unicast: calls(0), multicast: calls(1), broadcast: calls(2) },
    ports: new Map(
      ports.map((ifindex) => {
        const at = (map: string) => value(records, map, String(ifindex));
        return [ifindex, { considered: at("@considered"), copies: at("@flooded") }];
      }),
    ),
  };
}

function tally(records: Records, ifindex: number): PortTally {
  const key = String(ifindex);
  const at = (map: string) => value(records, map, key);
  const ingress = CLASSES.reduce((sum, cls) => sum + value(records, "@in", `${key},${cls}`), 0);
  const egress = at("@out");
  return {
    ingress,
    egress,
    originated: at("@originated"),
    unattributed: at("@unattributed"),
    copies: at("@copies"),
    learned: at("@learned"),
    moved: at("@moved"),
    segments: { ingress: ingress + at("@inExtra"), egress: egress + at("@outExtra") },
    bytes: { ingress: at("@inBytes"), egress: at("@outBytes") },
    decisions: decide(records, key, ingress),
  };
}

/** A frame that left by any port, or went up to the host alone, is of its class; the rest is filtered. */
function decide(records: Records, port: string, ingress: number): Decisions {
  const gone = (cls: number) =>
    value(records, "@left", `${port},${cls}`) + value(records, "@up", `${port},${cls}`);
  const decisions = {
    knownUnicast: gone(KNOWN),
    unknownUnicast: gone(UNKNOWN),
    broadcast: gone(BROADCAST),
    multicast: gone(MULTICAST),
    local: gone(OWN),
    filtered: 0,
  };
  const left = Object.values(decisions).reduce((sum, count) => sum + count, 0);
  return { ...decisions, filtered: ingress - left };
}

function readDrops(records: Records): DropTally[] {
  return [...(records.maps.get("@drops") ?? [])].map(([key, count]) => {
    const [location = 0, reason = 0, leg = 0] = key.split(",").map(Number);
    return { location, reason, leg: LEGS[leg] ?? "bridge", count };
  });
}

function readSamples(records: Records): StageSamples[] {
  return [...(records.maps.get("@lat") ?? [])].flatMap(([key, count]) => {
    const [round = 0, number = 0, port = 0, packed = 0] = key.split(",").map(Number);
    const stage = STAGE_NUMBERS[number];
    if (stage === undefined) return [];
    const scale = 2 ** (packed >> 8);
    const step = packed & 255;
    return [{ stage, round, port, bucket: [step * scale, (step + 1) * scale, count] }];
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
