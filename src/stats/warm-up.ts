import { mean } from "./moments.ts";
import { median } from "./quantile.ts";

/** Values are judged by the batch, so that one odd value decides nothing. */
const BATCH = 5;

/**
 * How many values at the beginning of a series are its warm-up: those without which the rest has the
 * smallest standard error of its mean (MSER-5: White, Simulation 69, 1997; in batches of five: White,
 * Cobb and Spratt, WSC 2000). Batches are of medians, since a mean of rounds is worth nothing where
 * others use the machine. No more than half is cut, since of a few batches some always happen to lie close
 * together; null where that much would have to be: such a series has not settled, and more of it is needed.
 */
export function warmUpLength(values: readonly number[]): number | null {
  const batches = Array.from({ length: Math.floor(values.length / BATCH) }, (_, index) =>
    median(values.slice(index * BATCH, (index + 1) * BATCH)),
  );
  let best = { cut: 0, error: Number.POSITIVE_INFINITY };
  const most = Math.floor(batches.length / 2);
  for (let cut = 0; cut <= most; cut++) {
    const error = squaredError(batches.slice(cut));
    if (error < best.error) best = { cut, error };
  }
  return best.cut === most ? null : best.cut * BATCH;
}

/** The squared standard error of the mean, up to a factor. */
function squaredError(values: readonly number[]): number {
  const middle = mean(values);
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length ** 2;
}
