import { resampledMedians } from "../bootstrap.ts";
import { ascending, median, quantile } from "../quantile.ts";
import { seededRandom } from "../random.ts";

export interface PairedRatio {
  ratio: number;
  ci: [number, number];
  method: string;
}

const RESAMPLES = 2000;
const ALPHA = 0.05;

/**
 * The ratio a/b of paired rounds: the median of the pairs' log ratios, with a 95 % percentile bootstrap
 * interval (Efron, 1979) over pairs. Throws a RangeError for unpaired or non-positive values.
 */
export function ratioOfPairs(
  a: readonly number[],
  b: readonly number[],
  seed: number,
): PairedRatio {
  const logs = logRatios(a, b);
  const sorted = ascending(resampledMedians(logs, RESAMPLES, seededRandom(seed)));
  return {
    ratio: Math.exp(median(logs)),
    ci: [Math.exp(quantile(sorted, ALPHA / 2)), Math.exp(quantile(sorted, 1 - ALPHA / 2))],
    method: `median log ratio of ${logs.length} adjacent pairs in random order, 95 % percentile bootstrap`,
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
