/** How many runs a side it would take until a verdict can be given. */
import type { Verdict } from "../../document/compare.ts";
import { halfWidth } from "../welch.ts";
import type { Labelled, Pair } from "./pair.ts";

/** Beyond this many a side nobody waits for an answer. */
export const MOST_RUNS = 100;

export interface Spread {
  /** Of the logarithms: candidate less base. */
  readonly difference: number;
  /** Standard deviation of the logarithm from run to run. */
  readonly deviation: number;
}

/**
 * Runs a side, as many on both, until an interval of level 1 - alpha would lie either within the margin or wholly
 * on one side of 1, whichever needs fewer, if the runs to come are like those that were seen. Infinity above
 * MOST_RUNS.
 */
export function runsNeeded(
  { difference, deviation }: Spread,
  { alpha, margin }: { alpha: number; margin: number },
): number {
  const size = Math.abs(difference);
  const room = Math.max(size, Math.log(1 + margin) - size);
  const enough = (runs: number) =>
    halfWidth({ error: deviation * Math.sqrt(2 / runs), freedom: 2 * runs - 2 }, alpha) <= room;
  for (let runs = 2; runs <= MOST_RUNS; runs++) if (enough(runs)) return runs;
  return Number.POSITIVE_INFINITY;
}

/** The same, and how long those that are lacking would take, if they take as long as those that are there. */
export function needed(
  { base, candidate, alpha }: Pair,
  margin: number,
  { runs: [before, after], ...spread }: Spread & { runs: readonly [number, number] },
): NonNullable<Verdict["needed"]> {
  const runs = runsNeeded(spread, { alpha, margin });
  if (!Number.isFinite(runs)) return { runs: null, ns: null };
  const lacking = (side: Labelled, have: number) => Math.max(0, runs - have) * meanNs(side);
  return { runs, ns: lacking(base, before) + lacking(candidate, after) };
}

function meanNs({ runs }: Labelled): number {
  return runs.reduce((sum, run) => sum + run.durationNs, 0) / runs.length;
}
