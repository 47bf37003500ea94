/** Order statistics of a handful of samples. */
import { ascending, quantile } from "../../stats/quantile.ts";

export interface Spread {
  readonly n: number;
  readonly min: number;
  readonly q1: number;
  readonly median: number;
  readonly q3: number;
  readonly max: number;
}

/** Median, quartiles and ends; null when there is nothing to order. */
export function spread(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = ascending(values);
  return {
    n: sorted.length,
    min: quantile(sorted, 0),
    q1: quantile(sorted, 0.25),
    median: quantile(sorted, 0.5),
    q3: quantile(sorted, 0.75),
    max: quantile(sorted, 1),
  };
}
