/** What a search found: the highest value that passed, and whether one above it failed. */
export interface Found {
  /** 0 where none passed. */
  value: number;
  /** False where even the most that could be tried passed: the limit lies above it. */
  bounded: boolean;
}

/**
 * RFC 2544 section 26.1 (throughput): the highest value up to `most` at which a trial passes, by halving
 * between one that passed and one that failed until they are closer than the share `resolution` of the
 * latter, and no further down than 1/1024 of `most`. Assumes that what passes at a value passes below it.
 */
export async function highestPassing(
  most: number,
  resolution: number,
  passes: (value: number) => Promise<boolean>,
): Promise<Found> {
  if (await passes(most)) return { value: most, bounded: false };
  let low = 0;
  let high = most;
  while (high - low > resolution * high && high > most * LEAST) {
    const middle = (low + high) / 2;
    if (await passes(middle)) low = middle;
    else high = middle;
  }
  return { value: low, bounded: true };
}

const LEAST = 1 / 1024;

/** The same from `first` upwards, doubling until one fails: for whole numbers, exact to 1. */
export async function highestCount(
  first: number,
  most: number,
  passes: (value: number) => Promise<boolean>,
): Promise<Found> {
  let low = 0;
  for (let value = Math.min(first, most); ; value = Math.min(2 * value, most)) {
    if (!(await passes(value))) {
      return { value: await between(low, value, passes), bounded: true };
    }
    low = value;
    if (value === most) return { value, bounded: false };
  }
}

/** Trials that halving takes at the most for a resolution, a share: see highestPassing. */
export function trialsFor(resolution: number): number {
  return 1 + Math.ceil(Math.log2(1 / LEAST)) + Math.ceil(Math.log2(1 / resolution));
}

async function between(
  passed: number,
  failed: number,
  passes: (value: number) => Promise<boolean>,
): Promise<number> {
  let low = passed;
  let high = failed;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await passes(middle)) low = middle;
    else high = middle;
  }
  return low;
}
