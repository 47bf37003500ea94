/** From two intervals to a ratio, and from a ratio's interval to a verdict. */
import type { Verdict } from "../document/compare.ts";
import type { Resampled } from "./bootstrap.ts";
import { ascending, median, quantile } from "./quantile.ts";

export interface Ratio {
  /** Candidate to base. */
  readonly ratio: number;
  readonly ci: [number, number];
}

interface Reading {
  readonly value: number;
  readonly ci: readonly [number, number];
}

/**
 * The ratio of two values with the interval that their own intervals leave open: it excludes 1
 * exactly when they do not overlap. Null unless every end is positive.
 */
export function ratioOfIntervals(base: Reading, candidate: Reading): Ratio | null {
  const [baseLow, baseHigh] = base.ci;
  const [low, high] = candidate.ci;
  if (![baseLow, baseHigh, low, high, base.value, candidate.value].every(positive)) return null;
  return { ratio: candidate.value / base.value, ci: [low / baseHigh, high / baseLow] };
}

/**
 * The ratio of the medians of two sets of rounds that were not paired, with a 95 % percentile
 * bootstrap interval over the rounds of each. Null under five rounds a side (see medianOverRounds)
 * or where a value is not positive.
 */
export function ratioOfMedians(base: Resampled, candidate: Resampled): Ratio | null {
  if (base.medians.length === 0 || candidate.medians.length === 0) return null;
  if (![...base.values, ...candidate.values].every(positive)) return null;
  // Two runs of one seed drew alike: what was drawn last of one goes with what was drawn first of the other.
  const below = base.medians;
  const half = Math.floor(below.length / 2);
  const ratios = ascending(
    candidate.medians.map(
      (value, index) => value / (below[(index + half) % below.length] ?? Number.NaN),
    ),
  );
  return {
    ratio: median(candidate.values) / median(base.values),
    ci: [quantile(ratios, 0.025), quantile(ratios, 0.975)],
  };
}

/**
 * `unchanged` when the interval lies wholly inside the margin; else `regression` or `improvement`
 * when it lies wholly on one side of 1; else `inconclusive`. The margin reaches from 1 / (1 + m) to
 * 1 + m, so that exchanging the two sides exchanges the verdicts and nothing else.
 */
export function judge(
  ci: readonly [number, number],
  margin: number,
  better: "lower" | "higher",
): Verdict["verdict"] {
  const [low, high] = ci;
  if (low >= 1 / (1 + margin) && high <= 1 + margin) return "unchanged";
  if (low <= 1 && high >= 1) return "inconclusive";
  return low > 1 === (better === "lower") ? "regression" : "improvement";
}

/** The smallest change, as a share, whose interval of this width would have left 1 out. */
export function smallestVisible({ ratio, ci: [low, high] }: Ratio): number {
  return Math.max(ratio / low, high / ratio) - 1;
}

function positive(value: number): boolean {
  return Number.isFinite(value) && value > 0;
}
