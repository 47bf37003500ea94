import { mean, variance } from "./moments.ts";
import { studentQuantile, studentTail } from "./student.ts";

/** The difference of two means, b - a. */
export interface Difference {
  readonly difference: number;
  /** Standard error of the difference. */
  readonly error: number;
  /** Degrees of freedom, a whole number from 1 on. */
  readonly freedom: number;
}

/**
 * The difference of the means of two sets of independent values with its standard error (Welch, Biometrika 34,
 * 1947), and Satterthwaite's degrees of freedom rounded down, which errs towards the wider interval. A set of one
 * value is taken to vary as the other does. Null where neither has two values, or one has none.
 */
export function welch(a: readonly number[], b: readonly number[]): Difference | null {
  if (a.length === 0 || b.length === 0) return null;
  const [left, right] = [variance(a), variance(b)];
  const spreadA = left ?? right;
  const spreadB = right ?? left;
  if (spreadA === null || spreadB === null) return null;
  const [ofA, ofB] = [spreadA / a.length, spreadB / b.length];
  return {
    difference: mean(b) - mean(a),
    error: Math.sqrt(ofA + ofB),
    freedom: left === null || right === null ? Math.max(a.length, b.length) - 1 : satterthwaite(),
  };

  function satterthwaite(): number {
    const known = ofA ** 2 / (a.length - 1) + ofB ** 2 / (b.length - 1);
    const least = Math.min(a.length, b.length) - 1;
    return known === 0 ? least : Math.max(least, Math.floor((ofA + ofB) ** 2 / known + 1e-9));
  }
}

/** What the interval of level 1 - alpha reaches to either side of the difference. */
export function halfWidth(
  { error, freedom }: Omit<Difference, "difference">,
  alpha: number,
): number {
  return studentQuantile(alpha / 2, freedom) * error;
}

/** Two-sided p of no difference. */
export function welchP({ difference, error, freedom }: Difference): number {
  if (difference === 0) return 1;
  return error === 0 ? 0 : 2 * studentTail(Math.abs(difference) / error, freedom);
}

/** Mean of `b` over mean of `a` with its interval at 95 %, by Welch on the logs; null where they carry none. */
export function ratioOfMeans(
  a: readonly number[],
  b: readonly number[],
): { value: number; ci: [number, number]; method: string } | null {
  const logs = (values: readonly number[]) => values.filter((one) => one > 0).map(Math.log);
  const found = welch(logs(a), logs(b));
  if (found === null || a.length < 2 || b.length < 2) return null;
  const half = halfWidth(found, 0.05);
  return {
    value: Math.exp(found.difference),
    ci: [Math.exp(found.difference - half), Math.exp(found.difference + half)],
    method: "ratio of geometric means, 95 % by Welch on the logs of the rounds",
  };
}
