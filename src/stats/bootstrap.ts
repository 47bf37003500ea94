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

/** Values, and the medians of RESAMPLES samples drawn from them with replacement, in the order of their drawing. */
export interface Resampled {
  readonly values: readonly number[];
  /** Empty under five values, where the bootstrap's own distribution is too coarse to mean anything. */
  readonly medians: readonly number[];
}

export function resample(values: readonly number[], seed: number): Resampled {
  const medians = values.length < 5 ? [] : resampledMedians(values, RESAMPLES, seededRandom(seed));
  return { values, medians };
}

/**
 * The median over rounds with a percentile bootstrap interval at 95 % (Efron, 1979), rounds being
 * the unit drawn: samples within a round are not independent. Null under five rounds.
 */
export function medianOverRounds(values: readonly number[], seed: number): Estimate | null {
  return estimateOf(resample(values, seed));
}

/** The same of values that were drawn from already. */
export function estimateOf({ values, medians }: Resampled): Estimate | null {
  if (medians.length === 0) return null;
  const sorted = ascending(medians);
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
  // A plan of a hundred cases draws millions of these: the values are put in order once, and each draw counts how
  // often each of them came.
  const order = values.map((_, index) => index);
  order.sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const sorted = Float64Array.from(order, (index) => values[index] ?? Number.NaN);
  const rank = new Uint32Array(size);
  order.forEach((index, place) => {
    rank[index] = place;
  });
  const times = new Uint32Array(size);
  const [low, high] = [Math.floor((size - 1) / 2), Math.floor(size / 2)];
  return Array.from({ length: count }, () => {
    times.fill(0);
    for (let i = 0; i < size; i++) {
      const place = rank[Math.floor(random() * size)] ?? 0;
      times[place] = (times[place] ?? 0) + 1;
    }
    let passed = 0;
    let lower = Number.NaN;
    for (let place = 0; place < size; place++) {
      passed += times[place] ?? 0;
      if (Number.isNaN(lower) && passed > low) lower = sorted[place] ?? Number.NaN;
      if (passed > high) return (lower + (sorted[place] ?? Number.NaN)) / 2;
    }
    return Number.NaN;
  });
}
