/** The way of a frame as a document has it, net: stage after stage, and what they leave of the path. */
import type { Case, Latency, PortAccount, Stage } from "../../document/run.ts";
import { netTimes } from "./latency.ts";
import { isFlooded } from "./result.ts";

export interface Leg {
  readonly name: string;
  readonly stage: Stage;
  /** Whose number it is; null for one of the whole case. */
  readonly port: string | null;
  /** Net. */
  readonly times: { readonly p50: number; readonly p90: number };
  /** Where it begins: where the medians before it end. */
  readonly start: number;
}

export interface Way {
  readonly unit: Latency["unit"];
  readonly legs: readonly Leg[];
  /**
   * What no probe covers: the path's median less those of the legs in a row, below zero where they add up to more; of
   * unknown length without a path. Null without a leg.
   */
  readonly rest: { readonly start: number; readonly length: number | null } | null;
  readonly path: Leg | null;
  /** Stages of the way that have no net times, each with the reason. */
  readonly missing: readonly string[];
  /** The events at which it begins and ends, as the document names them. */
  readonly from: string;
  readonly to: string;
  /** Whether two copies of a flood are drawn. */
  readonly copies: boolean;
}

/** Less than this share of the busiest port's samples is not what the case is about. */
const BUSY = 0.1;

/** Null where no stage of the case has net times. */
export function wayOf(item: Case): Way | null {
  const net = Object.values(item.latency).find((latency) => netTimes(latency) !== null);
  if (net === undefined) return null;
  const flooded = item.bridge !== undefined && isFlooded(item.bridge);
  const through = flooded ? "bridge.flood" : "bridge.forward";
  const [into] = byPort(item, "veth.in").slice(0, 1);
  const inside = into === undefined ? 0 : endOf(into);
  const stages = INSIDE.flatMap((stage) => ofCase(item, stage, inside));
  const main = stages.find(({ stage }) => stage === through);
  const queued = main === undefined ? inside : endOf(main);
  const { exits, copies } = exitsOf(item, { flooded, inside, queued });
  const [path = null] = ofCase(item, "path", 0);
  const chain = [into, main, exits[0]].filter((leg) => leg !== undefined);
  const end = Math.max(0, ...chain.map(endOf));
  const [first, last] = [item.latency["veth.in"], item.latency["veth.out"]];
  return {
    unit: net.unit,
    legs: [...(into === undefined ? [] : [into]), ...stages, ...exits],
    rest:
      chain.length === 0
        ? null
        : { start: end, length: path === null ? null : path.times.p50 - end },
    path,
    missing: item.lab.bridge === null ? [] : missingOf(item, ["veth.in", through, "veth.out"]),
    from: (item.latency.path ?? first)?.from ?? "",
    to: (item.latency.path ?? last)?.to ?? "",
    copies,
  };
}

const INSIDE = ["bridge.learn", "bridge.lookup", "bridge.forward", "bridge.flood"] as const;

/**
 * Out of the bridge. Of a flood the last copy, which leaves where the flood ends, and the first, whose place in it no
 * probe tells: bridges go through their ports from the newest to the oldest.
 */
function exitsOf(
  item: Case,
  { flooded, inside, queued }: { flooded: boolean; inside: number; queued: number },
): { exits: Leg[]; copies: boolean } {
  const legs = byPort(item, "veth.out");
  if (!flooded || legs.every(({ port }) => port === null)) {
    return { exits: legs.slice(0, 1).map((leg) => ({ ...leg, start: queued })), copies: false };
  }
  const age = (leg: Leg) => item.ports.find(({ name }) => name === leg.port)?.ifindex ?? 0;
  const oldest = legs.toSorted((a, b) => age(a) - age(b));
  const [last, first] = [oldest[0], oldest.at(-1)];
  if (last === undefined) return { exits: [], copies: false };
  const named = (leg: Leg, which: string, start: number): Leg => ({
    ...leg,
    name: `veth.out, ${which} copy (${leg.port})`,
    start,
  });
  if (first === undefined || first === last) {
    return { exits: [{ ...last, start: queued }], copies: false };
  }
  return { exits: [named(last, "last", queued), named(first, "first", inside)], copies: true };
}

function missingOf({ latency }: Case, wanted: readonly Stage[]): string[] {
  return wanted.flatMap((stage) => {
    const one = latency[stage];
    if (one === undefined) return [`${stage}: not timed`];
    return netTimes(one) === null ? [`${stage}: ${one.withheld ?? "no sample"}`] : [];
  });
}

/** A stage at each port that frames pass in numbers, the one in the middle first; of the whole case where ports have none. */
function byPort(item: Case, stage: Stage): Leg[] {
  const all = item.ports.flatMap((port): (Leg & { sampled: number })[] => {
    const found = netOf(port, stage);
    if (found === null) return [];
    const name = `${stage} (${port.name})`;
    return [{ name, stage, port: port.name, times: found, start: 0, sampled: found.sampled }];
  });
  const most = Math.max(0, ...all.map(({ sampled }) => sampled));
  const busy = all
    .filter(({ sampled }) => sampled >= BUSY * most)
    .toSorted((a, b) => a.times.p50 - b.times.p50);
  const middle = busy[Math.floor((busy.length - 1) / 2)];
  if (middle === undefined) return ofCase(item, stage, 0);
  return [middle, ...busy.filter((one) => one !== middle)];
}

function netOf(port: PortAccount, stage: Stage) {
  const { sampled = 0, p50 = null, p90 = null } = port.latency[stage] ?? {};
  return sampled === 0 || p50 === null || p90 === null ? null : { sampled, p50, p90 };
}

function ofCase({ latency }: Case, stage: Stage, start: number): Leg[] {
  const found = latency[stage];
  const times = found === undefined ? null : netTimes(found);
  return times === null ? [] : [{ name: stage, stage, port: null, times, start }];
}

function endOf({ start, times }: Leg): number {
  return start + times.p50;
}
