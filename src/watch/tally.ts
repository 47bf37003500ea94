/** What the probes counted between two readings of their maps, by port. */
import { availableParallelism } from "node:os";
import type { Decisions } from "../document/case.ts";
import { addDrops, type WatchDrop, type WatchPort } from "../document/watch.ts";
import type { DropNames } from "../live/drop-names.ts";
import { byClass } from "../probes/decisions.ts";
import type { ProbeMaps } from "../probes/maps.ts";
import { type Bucket, bucketQuantile, mergeBuckets, total } from "../stats/histogram.ts";

/**
 * Cumulative since the probes were loaded; by slot and code, by slot, stage and bucket, and by slot, place in the
 * kernel and reason, joined with commas.
 */
export interface Reading {
  counts: ReadonlyMap<string, number>;
  latency: ReadonlyMap<string, number>;
  drops: ReadonlyMap<string, number>;
}

export const NOTHING: Reading = { counts: new Map(), latency: new Map(), drops: new Map() };

/** A slot stands above a code or a stage of eight bits, as in watch.bt. */
export function readMaps(maps: ProbeMaps): Reading {
  const by = (name: string) =>
    new Map(
      maps.counts(name).map(([[at = 0n, ...more], count]) => {
        return [[at >> 8n, at & 0xffn, ...more].join(), count] as const;
      }),
    );
  return { counts: by("n"), latency: by("lat"), drops: by("drops") };
}

/** Codes of @n in watch.bt. */
const CODE = {
  ingress: 0,
  left: 8,
  up: 16,
  out: 24,
  further: 25,
  originated: 26,
  unattributed: 27,
  learned: 28,
  moved: 29,
  later: 32,
  dropped: 40,
  leftAllTheSame: 41,
  droppedLater: 42,
} as const;
const STAGES = { 2: "bridge.forward", 3: "bridge.flood" } as const;

export type Tally = Pick<
  WatchPort,
  | "ingress"
  | "egress"
  | "decisions"
  | "held"
  | "copies"
  | "later"
  | "amplification"
  | "originated"
  | "unattributed"
  | "learned"
  | "moved"
  | "dropped"
  | "latency"
>;

/** A port while nothing was counted. */
export const UNCOUNTED: Tally = {
  ingress: null,
  egress: null,
  decisions: null,
  held: null,
  copies: null,
  later: null,
  amplification: null,
  originated: null,
  unattributed: null,
  learned: null,
  moved: null,
  dropped: null,
  latency: {},
};

/** By the slots of a device: that one, and what it was counted by before it had it. */
export function tallies(
  before: Reading,
  after: Reading,
  names: DropNames,
): (slots: readonly bigint[]) => Tally {
  const buckets = bucketsOf(before.latency, after.latency);
  const drops = dropsOf(before.drops, after.drops, names);
  return (slots) => {
    if (slots.length === 0) return UNCOUNTED;
    const of = (slot: bigint, code: number) => {
      const key = `${slot},${code}`;
      return (after.counts.get(key) ?? 0) - (before.counts.get(key) ?? 0);
    };
    const at = (code: number) => slots.reduce((sum, slot) => sum + of(slot, code), 0);
    const gone = (kind: number) => at(CODE.left + kind) + at(CODE.up + kind);
    const ingress = at(CODE.ingress);
    const left = byClass(gone);
    const sum = Object.values(left).reduce((all, one) => all + one, 0);
    const stayed = Math.max(0, ingress - sum);
    const filtered = Math.min(stayed, Math.max(0, at(CODE.dropped) - at(CODE.leftAllTheSame)));
    const later = byClass((kind) => at(CODE.later + kind));
    const decided = { ...atMost(ingress, left), filtered };
    const { decisions, held } = withLater(decided, stayed - filtered, {
      ...later,
      filtered: at(CODE.droppedLater),
    });
    const laterCopies = Object.values(later).reduce((all, one) => all + one, 0);
    const copies = sum + at(CODE.further) + laterCopies;
    return {
      ingress,
      egress: at(CODE.out),
      decisions,
      held,
      copies,
      later: laterCopies,
      amplification: ingress === 0 ? null : copies / ingress,
      originated: at(CODE.originated),
      unattributed: at(CODE.unattributed),
      learned: at(CODE.learned),
      moved: at(CODE.moved),
      dropped: addDrops(slots.flatMap((slot) => drops.get(slot) ?? [])),
      latency: latencyOf(slots.map((slot) => buckets.get(slot) ?? {})),
    };
  };
}

/**
 * A frame that is in the bridge while the maps are read may leave, by them, before it comes: it is held in one record, and
 * decided in none, so that decisions are never more than came in.
 */
function atMost(ingress: number, left: Omit<Decisions, "filtered">): Omit<Decisions, "filtered"> {
  const all = { ...left };
  let over = Object.values(left).reduce((sum, one) => sum + one, 0) - ingress;
  const names = Object.keys(all) as (keyof typeof all)[];
  for (const name of names.sort((a, b) => left[b] - left[a])) {
    const less = Math.min(all[name], Math.max(0, over));
    all[name] -= less;
    over -= less;
  }
  return all;
}

/** Which copies take of the held frames first, where there are more copies than frames. */
const LATER = [
  "knownUnicast",
  "unknownUnicast",
  "local",
  "broadcast",
  "multicast",
  "filtered",
] as const;

/**
 * Of the frames that neither left nor were dropped in hand, those whose copies left later, or were dropped then: as many
 * as there are of either, since which copy is of which frame nobody can tell. The rest is held.
 */
function withLater(
  decisions: Decisions,
  kept: number,
  later: Decisions,
): { decisions: Decisions; held: number } {
  let held = kept;
  const all = { ...decisions };
  for (const name of LATER) {
    const these = Math.min(held, later[name]);
    all[name] += these;
    held -= these;
  }
  return { decisions: all, held };
}

/** A socket that listens at a port (tcpdump) and is full drops its own copy, and none of the bridge's. */
const TAP = /packet_rcv/;

/** The kernel told no reason (before Linux 5.17), as where nobody gave it one (SKB_DROP_REASON_NOT_SPECIFIED). */
const NO_REASON = "NOT_SPECIFIED";

function dropsOf(
  before: Reading["drops"],
  after: Reading["drops"],
  names: DropNames,
): Map<bigint, WatchDrop[]> {
  const drops = new Map<bigint, WatchDrop[]>();
  for (const [key, total] of after) {
    const count = total - (before.get(key) ?? 0);
    if (count <= 0) continue;
    const [slot = "0", , location, reason] = key.split(",");
    const named = names(Number(location), Number(reason));
    if (TAP.test(named.where)) continue;
    const drop = { ...named, reason: named.reason ?? NO_REASON, count };
    drops.set(BigInt(slot), [...(drops.get(BigInt(slot)) ?? []), drop]);
  }
  return drops;
}

/**
 * The interface's own totals over a time of which only a part was counted, split as what was counted then: estimates.
 * `timesLonger` is all of the time by what was counted of it.
 */
export function splitTotals(
  tally: Tally,
  { rx, tx, txDropped }: WatchPort["counters"],
  timesLonger: number,
): Tally {
  const { ingress, egress, decisions, copies } = tally;
  if (ingress === null || egress === null || decisions === null || copies === null) return tally;
  const out = tx + txDropped;
  const scaled = (count: number | null, by: number) =>
    count === null ? null : Math.round(count * by);
  const egressSide =
    egress === 0 && out > 0
      ? { egress: null, originated: null, unattributed: null }
      : {
          egress: out,
          originated: scaled(tally.originated, out / Math.max(1, egress)),
          unattributed: scaled(tally.unattributed, out / Math.max(1, egress)),
        };
  // Of frames none of which was counted nothing is known.
  const ingressSide =
    ingress === 0 && rx > 0
      ? {
          ingress: null,
          decisions: null,
          held: null,
          copies: null,
          later: null,
          amplification: null,
        }
      : {
          ingress: rx,
          ...splitIngress(rx, decisions, stillHeld(tally.held ?? 0, ingress)),
          copies: scaled(copies, rx / Math.max(1, ingress)),
          later: scaled(tally.later, rx / Math.max(1, ingress)),
        };
  return {
    ...tally,
    ...egressSide,
    ...ingressSide,
    learned: scaled(tally.learned, timesLonger),
    moved: scaled(tally.moved, timesLonger),
    dropped:
      tally.dropped?.map((drop) => ({ ...drop, count: Math.round(drop.count * timesLonger) })) ??
      null,
  };
}

/**
 * Frames that are on their way while the maps are read are held at that time, but not all of the time: one a CPU, and, since
 * a map is read entry by entry, what comes meanwhile. These are not multiplied.
 */
function stillHeld(held: number, ingress: number): number {
  return held <= Math.max(availableParallelism(), ingress / 100) ? 0 : held;
}

function splitIngress(
  rx: number,
  decisions: Decisions,
  held: number,
): { decisions: Decisions; held: number } {
  const { held: stays, ...split } = shareOut(rx, { ...decisions, held });
  return { decisions: split, held: stays };
}

type Parts = Decisions & { held: number };

/** Whole numbers in the proportion of `parts` whose sum is `total`: the largest gets what rounding leaves. */
function shareOut(total: number, parts: Parts): Parts {
  const sum = Object.values(parts).reduce((all, one) => all + one, 0);
  const shares = { ...parts };
  let [largest, left] = ["filtered" as keyof Parts, total];
  for (const name of Object.keys(parts) as (keyof Parts)[]) {
    shares[name] = Math.floor((parts[name] / Math.max(1, sum)) * total);
    left -= shares[name];
    if (parts[name] > parts[largest]) largest = name;
  }
  shares[largest] += left;
  return shares;
}

/** Of a slot, by stage. */
type StageBuckets = { [stage: number]: Bucket[] };

function bucketsOf(
  before: Reading["latency"],
  after: Reading["latency"],
): Map<bigint, StageBuckets> {
  const buckets = new Map<bigint, StageBuckets>();
  for (const [key, count] of after) {
    const more = count - (before.get(key) ?? 0);
    if (more === 0) continue;
    const [slot = "0", stage, packed] = key.split(",");
    const scale = 2 ** (Number(packed) >> 8);
    const step = Number(packed) & 255;
    const port = buckets.get(BigInt(slot)) ?? {};
    buckets.set(BigInt(slot), port);
    const list = port[Number(stage)] ?? [];
    port[Number(stage)] = list;
    list.push([step * scale, (step + 1) * scale, more]);
  }
  return buckets;
}

function latencyOf(slots: readonly StageBuckets[]): Tally["latency"] {
  return Object.fromEntries(
    Object.entries(STAGES).flatMap(([number, name]) => {
      const merged = mergeBuckets(slots.flatMap((stages) => stages[Number(number)] ?? []));
      if (merged.length === 0) return [];
      const p = (share: number) => bucketQuantile(merged, share);
      return [[name, { sampled: total(merged), p50: p(0.5), p99: p(0.99) }] as const];
    }),
  );
}
