import { ascending, median, quantile } from "../quantile.ts";
import { seededRandom } from "../random.ts";
import { normalTail, studentQuantile } from "../student.ts";
import type { PairedRatio } from "./ratio.ts";

/** Resamples that lie beyond each end of an interval at the least, so that its ends are not a matter of luck. */
const BEYOND = 20;
const LEAST_RESAMPLES = 2000;
const MOST_RESAMPLES = 10_000;

/** Fewer blocks cannot carry an interval of 99 %: even from the least to the largest of nine is only 99.6 %. */
export const LEAST_BLOCKS = 10;

/**
 * The ratio that log ratios in blocks tell: their median, with a percentile bootstrap interval of level
 * 1 - alpha that draws whole blocks (Davison and Hinkley, Bootstrap Methods, 1997, section 3.8), expanded for
 * their small number as Student's interval is beside the normal one (Hesterberg, The American Statistician 69,
 * 2015, section 4.2). What the pairs of one block share, such as the place in memory of the two labs that they
 * were measured in, is no information about any other block. Throws a RangeError for no block, or an empty one.
 */
export function ratioOfBlocks(
  blocks: readonly (readonly number[])[],
  seed: number,
  alpha: number,
): PairedRatio {
  const all = blocks.flat();
  if (blocks.some((block) => block.length === 0) || all.length === 0) {
    throw new RangeError("ratioOfBlocks needs a value in each block");
  }
  const tail = expandedTail(alpha / 2, blocks.length);
  const resamples = Math.min(MOST_RESAMPLES, Math.max(LEAST_RESAMPLES, Math.ceil(BEYOND / tail)));
  const random = seededRandom(seed);
  const medians = new BlockMedians(blocks);
  const sorted = ascending(Array.from({ length: resamples }, () => medians.draw(random)));
  const level = Number(((1 - alpha) * 100).toPrecision(4));
  const unit = blocks.length === all.length ? "pairs" : `${blocks.length} blocks`;
  return {
    ratio: Math.exp(median(all)),
    ci: [Math.exp(quantile(sorted, tail)), Math.exp(quantile(sorted, 1 - tail))],
    method: `median log ratio of ${all.length} adjacent pairs in random order, ${level} % percentile bootstrap over ${unit}`,
  };
}

function expandedTail(tail: number, n: number): number {
  if (n < 2) return tail;
  return normalTail(Math.sqrt(n / (n - 1)) * studentQuantile(tail, n - 1));
}

/** Draws as many blocks as there are, with replacement, and gives the median of their values. */
class BlockMedians {
  readonly #values: Float64Array;
  /** The block of each value. */
  readonly #of: Uint32Array;
  readonly #sizes: number[];
  readonly #times: Uint32Array;

  constructor(blocks: readonly (readonly number[])[]) {
    const sorted = blocks
      .flatMap((block, of) => block.map((value) => ({ value, of })))
      .sort((a, b) => a.value - b.value);
    this.#values = Float64Array.from(sorted, ({ value }) => value);
    this.#of = Uint32Array.from(sorted, ({ of }) => of);
    this.#sizes = blocks.map((block) => block.length);
    this.#times = new Uint32Array(blocks.length);
  }

  /** The values are in order once and for all: only how often each counts is drawn. */
  draw(random: () => number): number {
    const blocks = this.#sizes.length;
    this.#times.fill(0);
    let count = 0;
    for (let i = 0; i < blocks; i++) {
      const block = Math.floor(random() * blocks);
      this.#times[block] = (this.#times[block] ?? 0) + 1;
      count += this.#sizes[block] ?? 0;
    }
    const [low, high] = [Math.floor((count - 1) / 2), Math.ceil((count - 1) / 2)];
    let passed = 0;
    let lower = Number.NaN;
    for (let i = 0; i < this.#values.length; i++) {
      passed += this.#times[this.#of[i] ?? 0] ?? 0;
      const value = this.#values[i] ?? Number.NaN;
      if (Number.isNaN(lower) && passed > low) lower = value;
      if (passed > high) return (lower + value) / 2;
    }
    return Number.NaN;
  }
}

/** Blocks up to which all sign patterns are counted: 2^16 of them. */
const EXACT = 16;
const FLIPS = 20_000;

/**
 * The two-sided p of a sign-flip permutation test of paired differences against 0, by the signed-rank sum
 * (Wilcoxon, Biometrics Bulletin 1, 1945): which side of a block was called the base is exchanged at random,
 * for all its pairs at once. All patterns are counted up to 16 blocks, else 20,000 drawn from the seed, of
 * which the one that was seen is one more, so that p is never 0 (Phipson and Smyth, 2010). Blocks of one pair
 * each make it a test over pairs. Zeros say nothing. 1 without a difference.
 */
export function signFlipP(blocks: readonly (readonly number[])[], seed: number): number {
  const sums = Float64Array.from(signedRankSums(blocks).filter((sum) => sum !== 0));
  if (sums.length === 0) return 1;
  // Ranks are halves of whole numbers: this is far below any real difference between two sums.
  const seen = Math.abs(sums.reduce((sum, one) => sum + one, 0)) - 1e-6;
  return sums.length <= EXACT ? exact(sums, seen) : drawn(sums, seen, seed);
}

function exact(sums: Float64Array, seen: number): number {
  const patterns = 2 ** sums.length;
  let beyond = 0;
  for (let pattern = 0; pattern < patterns; pattern++) {
    if (Math.abs(flipped(sums, pattern)) >= seen) beyond++;
  }
  return beyond / patterns;
}

function drawn(sums: Float64Array, seen: number, seed: number): number {
  const random = seededRandom(seed);
  let beyond = 0;
  for (let flip = 0; flip < FLIPS; flip++) {
    let sum = 0;
    for (let from = 0; from < sums.length; from += 32) {
      sum += flipped(sums.subarray(from, from + 32), Math.floor(random() * 2 ** 32));
    }
    if (Math.abs(sum) >= seen) beyond++;
  }
  return (beyond + 1) / (FLIPS + 1);
}

/** The sum with a sign of its own for each, the n-th from the n-th bit. */
function flipped(sums: Float64Array, bits: number): number {
  let sum = 0;
  for (let i = 0; i < sums.length; i++) {
    const one = sums[i] ?? 0;
    sum += (bits >>> i) & 1 ? one : -one;
  }
  return sum;
}

/** For each block the ranks of its differences' sizes among all, equal ones sharing their mean rank, with their signs. */
function signedRankSums(blocks: readonly (readonly number[])[]): number[] {
  const sums = blocks.map(() => 0);
  const sized = blocks
    .flatMap((block, of) => block.map((value) => ({ of, value, size: Math.abs(value) })))
    .filter(({ size }) => size > 0)
    .sort((a, b) => a.size - b.size);
  for (let from = 0; from < sized.length; ) {
    let to = from + 1;
    while (to < sized.length && sized[to]?.size === sized[from]?.size) to++;
    for (const { of, value } of sized.slice(from, to)) {
      sums[of] = (sums[of] ?? 0) + Math.sign(value) * ((from + 1 + to) / 2);
    }
    from = to;
  }
  return sums;
}
