import { ascending, median, quantile } from "./quantile.ts";
import { seededRandom } from "./random.ts";

export interface Estimate {
  value: number;
  ci: [number, number];
  method: string;
  n: number;
}

const RESAMPLES = 2000;
const LEVEL = 0.95;

/**
 * The median over rounds with a percentile bootstrap interval at 95 % (Efron, 1979), rounds being
 * the unit drawn: samples within a round are not independent. Null under five rounds, where the
 * bootstrap's own distribution is too coarse to mean anything.
 */
export function medianOverRounds(values: readonly number[], seed: number): Estimate | null {
  if (values.length < 5) return null;
  const sorted = ascending(resampledMedians(values, RESAMPLES, seededRandom(seed)));
  const tail = (1 - LEVEL) / 2;
  return {
    value: median(values),
    ci: [quantile(sorted, tail), quantile(sorted, 1 - tail)],
    method: "median of the rounds' medians, 95 % percentile bootstrap over rounds",
    n: values.length,
  };
}

/** Medians of `count` samples as large as the values, drawn from them with replacement. */
export function resampledMedians(
  values: readonly number[],
  count: number,
  random: () => number,
): number[] {
  const size = values.length;
  // A plan of a hundred cases draws millions of these: a typed array sorts without a callback.
  const drawn = new Float64Array(size);
  const middle = Math.floor((size - 1) / 2);
  return Array.from({ length: count }, () => {
    for (let i = 0; i < size; i++) drawn[i] = values[Math.floor(random() * size)] ?? Number.NaN;
    drawn.sort();
    const low = drawn[middle] ?? Number.NaN;
    return size % 2 === 1 ? low : (low + (drawn[middle + 1] ?? low)) / 2;
  });
}
