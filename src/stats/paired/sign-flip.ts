import { seededRandom } from "../random.ts";

/** Pairs up to which all sign patterns are counted: 2^16 of them. */
const EXACT = 16;
const FLIPS = 20_000;

/**
 * The two-sided p of a sign-flip permutation test of paired differences against 0, by the signed-rank
 * sum (Wilcoxon, 1945): which of a pair's two rounds was whose is exchanged at random, as it was when
 * they were measured. All patterns are counted up to 16 pairs, else 20,000 drawn from the seed, of
 * which the one that was seen is one more, so that p is never 0 (Phipson and Smyth, 2010). Zeros say
 * nothing and are left out. 1 without a difference.
 */
export function signFlipP(differences: readonly number[], seed: number): number {
  const { ranks, sum } = signedRanks(differences);
  if (ranks.length === 0) return 1;
  // Half of a rank's rounding is far below any real difference between two sums.
  const seen = Math.abs(sum) - 1e-9;
  return ranks.length <= EXACT ? exact(ranks, seen) : drawn(ranks, seen, seed);
}

function exact(ranks: Float64Array, seen: number): number {
  const patterns = 2 ** ranks.length;
  let beyond = 0;
  for (let pattern = 0; pattern < patterns; pattern++) {
    let sum = 0;
    for (let i = 0; i < ranks.length; i++)
      sum += (pattern >> i) & 1 ? rank(ranks, i) : -rank(ranks, i);
    if (Math.abs(sum) >= seen) beyond++;
  }
  return beyond / patterns;
}

function drawn(ranks: Float64Array, seen: number, seed: number): number {
  const random = seededRandom(seed);
  let beyond = 0;
  for (let flip = 0; flip < FLIPS; flip++) {
    let sum = 0;
    let bits = 0;
    for (let i = 0; i < ranks.length; i++) {
      if (i % 32 === 0) bits = Math.floor(random() * 2 ** 32);
      sum += bits & 1 ? rank(ranks, i) : -rank(ranks, i);
      bits >>>= 1;
    }
    if (Math.abs(sum) >= seen) beyond++;
  }
  return (beyond + 1) / (FLIPS + 1);
}

function rank(ranks: Float64Array, index: number): number {
  return ranks[index] ?? 0;
}

/** Ranks of the sizes, equal ones sharing their mean rank, and their sum with the differences' signs. */
function signedRanks(differences: readonly number[]): { ranks: Float64Array; sum: number } {
  const sized = differences
    .filter((value) => value !== 0)
    .map((value) => ({ size: Math.abs(value), sign: Math.sign(value) }))
    .sort((a, b) => a.size - b.size);
  const ranks = new Float64Array(sized.length);
  let sum = 0;
  for (let from = 0; from < sized.length; ) {
    let to = from + 1;
    while (to < sized.length && sized[to]?.size === sized[from]?.size) to++;
    for (let i = from; i < to; i++) {
      ranks[i] = (from + 1 + to) / 2;
      sum += rank(ranks, i) * (sized[i]?.sign ?? 0);
    }
    from = to;
  }
  return { ranks, sum };
}
