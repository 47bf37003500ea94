import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lagOne } from "../../../src/stats/autocorrelation.ts";
import { holm } from "../../../src/stats/holm.ts";
import { LOOKS, spentBetween } from "../../../src/stats/looks.ts";
import { seededRandom, shuffled } from "../../../src/stats/random.ts";
import { warmUpLength } from "../../../src/stats/warm-up.ts";

describe("the lag-1 autocorrelation", () => {
  test("is that of the textbook", () => {
    // About the mean: -1.5, -0.5, 0.5, 1.5; (0.75 - 0.25 + 0.75) / 5.
    expect(lagOne([1, 2, 3, 4])).toBeCloseTo(0.25, 12);
    expect(lagOne([1, -1, 1, -1])).toBeCloseTo(-0.75, 12);
    expect(lagOne([6, 7, 9])).toBeCloseTo(-1 / 42, 12);
  });

  test("is not said of two values, or of none that vary", () => {
    expect([lagOne([]), lagOne([1, 2]), lagOne([3, 3, 3])]).toEqual([null, null, null]);
  });
});

describe("Holm's adjustment", () => {
  test("multiplies the smallest by all, the next by one less, and never falls again", () => {
    expect(holm([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06]);
    expect(holm([0.04, 0.001])).toEqual([0.04, 0.002]);
  });

  test("leaves one test alone, and gives no chance above 1", () => {
    expect([holm([0.01]), holm([0.7, 0.6]), holm([])]).toEqual([[0.01], [1, 1], []]);
  });
});

describe("what a look may spend", () => {
  test("rises with the third power, and is all of it in the end", () => {
    expect(spentBetween(0, 1, 0.01)).toBeCloseTo(0.01, 12);
    expect(spentBetween(0, 0.5, 0.08)).toBeCloseTo(0.01, 12);
    expect(spentBetween(0.5, 1, 0.08)).toBeCloseTo(0.07, 12);
    const spent = LOOKS.map((at, index) => spentBetween(LOOKS[index - 1] ?? 0, at, 0.01));
    expect(spent.reduce((sum, one) => sum + one, 0)).toBeCloseTo(0.01, 12);
    expect(spent).toEqual(spent.toSorted((a, b) => a - b));
  });

  test("is looked at after each quarter", () => {
    expect(LOOKS).toEqual([0.25, 0.5, 0.75, 1]);
  });
});

describe("the warm-up", () => {
  const batches = (...levels: number[]) => levels.flatMap((level) => Array(5).fill(level));

  test("is what stands out at the beginning, in batches of five", () => {
    expect(warmUpLength(batches(9, 1, 1, 1, 1, 1))).toBe(5);
    expect(warmUpLength(batches(9, 5, 1, 1, 1, 1, 1))).toBe(10);
    expect(warmUpLength(batches(1, 1, 1, 1))).toBe(0);
    expect(warmUpLength(batches(1, 1, 1, 9))).toBe(0);
  });

  test("is not told where half would have to go, or of too little", () => {
    expect(warmUpLength(batches(9, 9, 9, 1, 1, 1))).toBeNull();
    expect(warmUpLength([1, 1, 1, 1, 1])).toBeNull();
    expect(warmUpLength([])).toBeNull();
  });

  test("is not one odd value's to decide, nor that of a last batch which is not whole", () => {
    expect(warmUpLength([1, 99, 1, 1, 1, ...batches(1, 1, 1)])).toBe(0);
    expect(warmUpLength([...batches(1, 1), 99, 99])).toBe(0);
  });

  test("leaves the rest with the smallest standard error of its mean", () => {
    const series = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 4, maxLength: 12 });
    fc.assert(
      fc.property(series, (levels) => {
        const error = (cut: number) => {
          const rest = levels.slice(cut);
          const mean = rest.reduce((sum, level) => sum + level, 0) / rest.length;
          const variance = rest.reduce((sum, level) => sum + (level - mean) ** 2, 0) / rest.length;
          return variance / rest.length;
        };
        const cut = warmUpLength(batches(...levels));
        const most = Math.floor(levels.length / 2);
        const least = Math.min(...Array.from({ length: most + 1 }, (_, index) => error(index)));
        expect(error(cut === null ? most : cut / 5)).toBeCloseTo(least, 9);
      }),
    );
  });
});

describe("the generator", () => {
  test("is mulberry32", () => {
    const [one, zero] = [seededRandom(1), seededRandom(0)];
    expect([one(), one(), one()]).toEqual([
      0.6270739405881613, 0.002735721180215478, 0.5274470399599522,
    ]);
    expect(zero()).toBe(0.26642920868471265);
  });

  test("orders items as it goes, and the same seed gives the same orders", () => {
    const items = [1, 2, 3, 4, 5];
    const [a, b] = [shuffled(1), shuffled(1)];
    // 0.627 of five is the fourth, 0.003 of four the first, 0.527 of three the second of those left.
    expect(a(items).slice(0, 3)).toEqual([4, 1, 3]);
    b(items);
    expect(a(items)).toEqual(b(items));
    expect(a(items).toSorted()).toEqual(items);
    expect(items).toEqual([1, 2, 3, 4, 5]);
  });
});
