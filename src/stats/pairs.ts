import { ascending, median, quantile } from "./quantile.ts";
import { seededRandom } from "./random.ts";

const RESAMPLES = 2000;

/**
 * The ratio a/b of paired rounds: the median of the pairs' log ratios, with a 95 % percentile
 * bootstrap interval over pairs. Throws a RangeError for unpaired or non-positive values.
 */
export function ratioOfPairs(
  a: readonly number[],
  b: readonly number[],
  seed: number,
): { ratio: number; ci: [number, number]; method: string } {
  if (a.length !== b.length || a.length === 0) throw new RangeError("ratioOfPairs needs pairs");
  const logs = a.map((value, index) => Math.log(value / (b[index] ?? Number.NaN)));
  if (logs.some((log) => !Number.isFinite(log))) {
    throw new RangeError("ratioOfPairs needs positive, finite values");
  }
  const random = seededRandom(seed);
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(logs.map(() => logs[Math.floor(random() * logs.length)] ?? 0)),
  );
  const sorted = ascending(medians);
  return {
    ratio: Math.exp(median(logs)),
    ci: [Math.exp(quantile(sorted, 0.025)), Math.exp(quantile(sorted, 0.975))],
    method: `median log ratio of ${a.length} adjacent pairs in random order, 95 % percentile bootstrap`,
  };
}
