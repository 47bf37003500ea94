import { resampledMedians } from "../bootstrap.ts";
import { ascending, median, quantile } from "../quantile.ts";
import { seededRandom } from "../random.ts";

export interface PairedRatio {
  ratio: number;
  ci: [number, number];
  method: string;
}

const RESAMPLES = 2000;
/** The share of errors that an interval tolerates unless another was planned. */
const ALPHA = 0.05;
/** Resamples that lie beyond each end of an interval at the least, so that its ends are not a matter of luck. */
const BEYOND = 20;
const MOST_RESAMPLES = 20_000;

/**
 * The ratio a/b of paired rounds: the median of the pairs' log ratios, with a percentile bootstrap
 * interval (Efron, 1979) of level 1 - alpha over pairs. Throws a RangeError for unpaired or
 * non-positive values.
 */
export function ratioOfPairs(
  a: readonly number[],
  b: readonly number[],
  seed: number,
  alpha: number = ALPHA,
): PairedRatio {
  const logs = logRatios(a, b);
  const resamples = Math.min(MOST_RESAMPLES, Math.max(RESAMPLES, Math.ceil((2 * BEYOND) / alpha)));
  const sorted = ascending(resampledMedians(logs, resamples, seededRandom(seed)));
  return {
    ratio: Math.exp(median(logs)),
    ci: [Math.exp(quantile(sorted, alpha / 2)), Math.exp(quantile(sorted, 1 - alpha / 2))],
    method: `median log ratio of ${logs.length} adjacent pairs in random order, ${levelText(alpha)} percentile bootstrap`,
  };
}

/** The pairs' log(a/b). Throws a RangeError for unpaired or non-positive values. */
export function logRatios(a: readonly number[], b: readonly number[]): number[] {
  if (a.length !== b.length || a.length === 0) throw new RangeError("logRatios needs pairs");
  const logs = a.map((value, index) => Math.log(value / (b[index] ?? Number.NaN)));
  if (logs.some((log) => !Number.isFinite(log))) {
    throw new RangeError("logRatios needs positive, finite values");
  }
  return logs;
}

function levelText(alpha: number): string {
  return `${Number(((1 - alpha) * 100).toPrecision(4))} %`;
}
