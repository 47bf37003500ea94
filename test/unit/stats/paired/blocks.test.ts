import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ratioOfBlocks, signFlipP } from "../../../../src/stats/paired/blocks.ts";
import { median, quantile } from "../../../../src/stats/quantile.ts";
import { seededRandom } from "../../../../src/stats/random.ts";

const TEN = [0.012, -0.004, 0.021, 0.007, -0.011, 0.016, 0.009, 0.003, -0.002, 0.018];
const TIED = [0.01, -0.01, 0.02, 0.02, -0.03, 0.04, 0.04, 0.04, -0.05, 0.06];
const FORTY = Array.from({ length: 40 }, (_, index) => (((index * 37) % 41) - 18) / 1000);

/** A pair a block. */
const pairs = (differences: readonly number[]) => differences.map((one) => [one]);

describe("the sign-flip test", () => {
  it("counts all patterns of few pairs, as R 4.2.2's wilcox.test and SciPy 1.17.1's wilcoxon, both exact", () => {
    expect(signFlipP(pairs(TEN), 1)).toBeCloseTo(0.083984375, 12);
  });

  it("lets equal sizes share a rank, as SciPy 1.17.1's permutation_test of the signed-rank sum over all samples", () => {
    expect(signFlipP(pairs(TIED), 1)).toBeCloseTo(0.25390625, 12);
  });

  it("draws patterns of many, near SciPy 1.17.1's wilcoxon: 0.2248 exact, 0.2167 asymptotic", () => {
    expect(signFlipP(pairs(FORTY), 1)).toBeGreaterThan(0.205);
    expect(signFlipP(pairs(FORTY), 1)).toBeLessThan(0.235);
    expect(signFlipP(pairs(FORTY), 1)).toBe(signFlipP(pairs(FORTY), 1));
  });

  it("is never 0, and 1 where there is no difference", () => {
    expect(signFlipP(pairs(Array.from({ length: 100 }, (_, i) => i + 1)), 3)).toBeCloseTo(
      1 / 20_001,
      12,
    );
    expect(signFlipP(pairs([0, 0, 0]), 3)).toBe(1);
    expect(signFlipP(pairs([]), 3)).toBe(1);
  });

  it("lets pairs without a difference say nothing", () => {
    expect(signFlipP(pairs([0, ...TEN, 0, 0, 0]), 1)).toBe(signFlipP(pairs(TEN), 1));
    const sixteen = Array.from({ length: 16 }, (_, index) => index + 1);
    expect(signFlipP(pairs([...sixteen, 0, 0]), 1)).toBe(2 / 2 ** 16);
  });

  it("does not see the direction or the unit", () => {
    fc.assert(
      fc.property(someBlocks, fc.nat(), (blocks, seed) => {
        const p = signFlipP(blocks, seed);
        expect(signFlipP(times(blocks, -1), seed)).toBe(p);
        expect(signFlipP(times(blocks, 8), seed)).toBe(p);
        expect(p).toBeGreaterThan(0);
        expect(p).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("takes what a block's pairs share for one difference, not for many", () => {
    const alike = Array.from({ length: 5 }, () =>
      Array.from({ length: 40 }, (_, i) => 1 + i / 1e4),
    );
    expect(signFlipP(alike, 1)).toBe(2 / 2 ** 5);
    expect(signFlipP(pairs(alike.flat()), 1)).toBeLessThan(1e-4);
  });

  it("finds something in a hundredth of what is nothing, at 1 %", () => {
    const found = trials((blocks, seed) => signFlipP(blocks, seed) <= 0.01);
    // Binomial(200, 0.01): 8 or more in 0.1 % of such tests.
    expect(found).toBeLessThan(8);
  });
});

describe("the ratio of blocks", () => {
  // SciPy 1.17.1: scipy.stats.bootstrap((log(A/B),), numpy.median, method="percentile", n_resamples=400000,
  // random_state=1), ends and median as exp, at the level that R 4.2.2 expands 99 % to:
  // 1 - 2 * pnorm(-sqrt(12 / 11) * qt(0.995, 11)) = 1 - 2 * 0.00058950681.
  it("of one pair each is SciPy's percentile bootstrap of the median log ratio, expanded", () => {
    const { ratio, ci, method } = ratioOfBlocks(pairs(LOGS), 1, 0.01);
    expect(ratio).toBeCloseTo(1.0156667501540164, 12);
    expect(ci[0]).toBeCloseTo(0.99, 3);
    expect(ci[1]).toBeCloseTo(1.0476190476190477, 3);
    expect(method).toContain(
      "12 adjacent pairs in random order, 99 % percentile bootstrap over pairs",
    );
  });

  it("draws medians as a sorted copy of the drawn blocks has them", () => {
    const random = seededRandom(2);
    const blocks = Array.from({ length: 40 }, () =>
      Array.from({ length: 1 + Math.floor(random() * 4) }, () => random()),
    );
    const seed = 11;
    const again = seededRandom(seed);
    // R 4.2.2: pnorm(-sqrt(40 / 39) * qt(0.95, 39))
    const tail = 0.0439724565000813;
    const medians = Array.from({ length: 2000 }, () => {
      const drawn = blocks.map(() => blocks[Math.floor(again() * blocks.length)] ?? []);
      return median(drawn.flat());
    }).sort((x, y) => x - y);
    const { ci } = ratioOfBlocks(blocks, seed, 0.1);
    expect(Math.log(ci[0])).toBeCloseTo(quantile(medians, tail), 9);
    expect(Math.log(ci[1])).toBeCloseTo(quantile(medians, 1 - tail), 9);
  });

  it("is turned over when the sides are, and lies in its interval", () => {
    fc.assert(
      fc.property(someBlocks, fc.nat(), (blocks, seed) => {
        const one = ratioOfBlocks(times(blocks, 1e-4), seed, 0.05);
        const other = ratioOfBlocks(times(blocks, -1e-4), seed, 0.05);
        expect(Math.log(other.ratio)).toBeCloseTo(-Math.log(one.ratio), 9);
        expect(Math.log(other.ci[0])).toBeCloseTo(-Math.log(one.ci[1]), 9);
        expect(one.ci[0]).toBeLessThanOrEqual(one.ratio + 1e-12);
        expect(one.ci[1]).toBeGreaterThanOrEqual(one.ratio - 1e-12);
      }),
    );
  });

  it("holds the truth in 99 % of what blocks with luck of their own say", () => {
    const missed = trials((blocks, seed) => {
      const { ci } = ratioOfBlocks(blocks, seed, 0.01);
      return ci[0] > 1 || ci[1] < 1;
    });
    expect(missed).toBeLessThan(8);
  });

  it("refuses nothing, and an empty block", () => {
    const refusal = new RangeError("ratioOfBlocks needs a value in each block");
    expect(() => ratioOfBlocks([], 1, 0.01)).toThrow(refusal);
    expect(() => ratioOfBlocks([[1], []], 1, 0.01)).toThrow(refusal);
  });

  it("says over what it drew, and widens for two blocks", () => {
    const blocks = Array.from({ length: 12 }, (_, index) => [index / 1e3, index / 1e3 + 0.02]);
    expect(ratioOfBlocks(blocks, 1, 0.05).method).toBe(
      "median log ratio of 24 adjacent pairs in random order, 95 % percentile bootstrap over 12 blocks",
    );
    // Each of two blocks is drawn alone in a quarter of the draws: what 40 % leave out would not reach there unexpanded.
    expect(ratioOfBlocks([[0], [1]], 1, 0.6).ci.map(Math.log)).toEqual([0, 1]);
  });
});

const LOGS = [103, 98, 110, 95, 101, 99, 120, 97, 102, 100, 104, 96].map((value, index) =>
  Math.log(value / ([100, 97, 105, 96, 98, 100, 110, 95, 101, 99, 103, 94][index] ?? 1)),
);

const someBlocks = fc.array(
  fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 5 }),
  { minLength: 1, maxLength: 9 },
);

function times(blocks: readonly (readonly number[])[], factor: number): number[][] {
  return blocks.map((block) => block.map((value) => value * factor));
}

/** How often something is found in 200 sets of 14 blocks without a difference but each one's luck, and odd rounds. */
function trials(found: (blocks: number[][], seed: number) => boolean): number {
  const random = seededRandom(5);
  const normal = () => random() + random() + random() + random() - 2;
  const odd = () => (random() < 0.05 ? 20 : 1);
  return Array.from({ length: 200 }, (_, seed) => {
    const blocks = Array.from({ length: 14 }, () => {
      const luck = normal() / 100;
      return Array.from({ length: 6 }, () => luck + (normal() / 40) * odd());
    });
    return found(blocks, seed);
  }).filter(Boolean).length;
}
