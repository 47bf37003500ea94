import type { Bucket } from "./histogram.ts";

/** Buckets an octave: a value is off by 1/128 of itself at the most, half of that typically. */
const STEPS = 64;
const OCTAVES = 48;

/** Counts values in log-linear buckets of at most 1.6 % width, in constant memory; below 64 every integer has its own. */
export class LogHistogram {
  readonly #counts = new Float64Array(STEPS * OCTAVES);

  /** Non-negative integers up to 2^53; a larger one counts in the last bucket, a negative one in the first. */
  record(value: number): void {
    const at = indexOf(Math.max(0, Math.floor(value)));
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** Ascending, only those that hold a value. */
  buckets(): Bucket[] {
    return [...this.#counts].flatMap((count, index): Bucket[] =>
      count === 0 ? [] : [[lowOf(index), lowOf(index + 1), count]],
    );
  }
}

function indexOf(value: number): number {
  if (value < STEPS) return value;
  const octave = Math.floor(Math.log2(value)) - Math.log2(STEPS);
  const step = Math.floor(value / 2 ** octave) - STEPS;
  return Math.min(STEPS * OCTAVES - 1, STEPS * (octave + 1) + step);
}

function lowOf(index: number): number {
  const octave = Math.floor(index / STEPS) - 1;
  return octave < 0 ? index : (STEPS + (index % STEPS)) * 2 ** octave;
}
