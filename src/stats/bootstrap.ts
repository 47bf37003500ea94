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
  const random = seededRandom(seed);
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(values.map(() => values[Math.floor(random() * values.length)] ?? Number.NaN)),
  );
  const sorted = ascending(medians);
  const tail = (1 - LEVEL) / 2;
  return {
    value: median(values),
    ci: [quantile(sorted, tail), quantile(sorted, 1 - tail)],
    method: "median of the rounds' medians, 95 % percentile bootstrap over rounds",
    n: values.length,
  };
}
