import { mean } from "./moments.ts";

/**
 * The lag-1 autocorrelation of a series (Box and Jenkins, 1970): how much a value says of the next one.
 * 0 for values without order, near 1 where the machine drifts. null under three values or where all are
 * equal.
 */
export function lagOne(values: readonly number[]): number | null {
  if (values.length < 3) return null;
  const middle = mean(values);
  const about = values.map((value) => value - middle);
  const total = about.reduce((sum, value) => sum + value ** 2, 0);
  if (total === 0) return null;
  const shared = about.slice(1).reduce((sum, value, index) => sum + value * (about[index] ?? 0), 0);
  return shared / total;
}
