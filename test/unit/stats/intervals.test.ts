import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { medianOverRounds, resampledMedians } from "../../../src/stats/bootstrap.ts";
import { ratioOfPairs } from "../../../src/stats/paired/ratio.ts";
import { ascending, quantile } from "../../../src/stats/quantile.ts";
import { seededRandom } from "../../../src/stats/random.ts";

const positive = fc.double({ min: 1, max: 1e6, noNaN: true });

describe("seededRandom", () => {
  it("repeats under a seed and differs under another", () => {
    const draw = (seed: number) => Array.from({ length: 5 }, seededRandom(seed));
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it("is uniform enough to flip coins with", () => {
    const random = seededRandom(1);
    const heads = Array.from({ length: 10_000 }, random).filter((value) => value < 0.5).length;
    expect(Math.abs(heads - 5000)).toBeLessThan(200);
  });
});

describe("medianOverRounds", () => {
  it("says nothing under five rounds", () => {
    expect(medianOverRounds([1, 2, 3, 4], 1)).toBeNull();
  });

  it("holds its own estimate, inside the rounds' range, the same under one seed", () => {
    fc.assert(
      fc.property(
        fc.array(positive, { minLength: 5, maxLength: 20 }),
        fc.integer(),
        (rounds, seed) => {
          const estimate = medianOverRounds(rounds, seed);
          if (estimate === null) throw new Error("expected an estimate");
          expect(estimate.ci[0]).toBeLessThanOrEqual(estimate.value);
          expect(estimate.ci[1]).toBeGreaterThanOrEqual(estimate.value);
          expect(estimate.ci[0]).toBeGreaterThanOrEqual(Math.min(...rounds));
          expect(estimate.ci[1]).toBeLessThanOrEqual(Math.max(...rounds));
          expect(medianOverRounds(rounds, seed)).toEqual(estimate);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("reaches from the 2.5th to the 97.5th percentile of medians that were drawn, and says so", () => {
    const rounds = Array.from({ length: 21 }, (_, index) => 90 + ((index * 13) % 21));
    const drawn = ascending(resampledMedians(rounds, 2000, seededRandom(9)));
    expect(medianOverRounds(rounds, 9)).toEqual({
      value: 100,
      ci: [quantile(drawn, 0.025), quantile(drawn, 0.975)],
      method: "median of the rounds' medians, 95 % percentile bootstrap over rounds",
      n: 21,
    });
    expect(quantile(drawn, 0.025)).toBeLessThan(quantile(drawn, 0.1));
  });

  it("narrows as rounds are added", () => {
    const random = seededRandom(3);
    const width = (count: number) => {
      const estimate = medianOverRounds(
        Array.from({ length: count }, () => 100 + random()),
        1,
      );
      return estimate === null ? Number.POSITIVE_INFINITY : estimate.ci[1] - estimate.ci[0];
    };
    expect(width(200)).toBeLessThan(width(8));
  });
});

describe("ratioOfPairs", () => {
  const pairs = fc.array(fc.tuple(positive, positive), { minLength: 3, maxLength: 15 });

  it("turns over when the sides are swapped, and scaling both changes nothing", () => {
    fc.assert(
      fc.property(pairs, fc.double({ min: 0.5, max: 20, noNaN: true }), (list, scale) => {
        const a = list.map(([value]) => value);
        const b = list.map(([, value]) => value);
        const forth = ratioOfPairs(a, b, 5).ratio;
        expect(forth * ratioOfPairs(b, a, 5).ratio).toBeCloseTo(1, 9);
        const scaled = ratioOfPairs(
          a.map((x) => x * scale),
          b.map((x) => x * scale),
          5,
        );
        expect(scaled.ratio / forth).toBeCloseTo(1, 9);
      }),
      { numRuns: 25 },
    );
  });

  it("finds the factor between paired rounds through common drift", () => {
    const drift = Array.from({ length: 30 }, (_, index) => 100 * 1.1 ** index);
    const result = ratioOfPairs(
      drift.map((value) => value * 1.05),
      drift,
      1,
    );
    expect(result.ratio).toBeCloseTo(1.05, 9);
    expect(result.ci[0]).toBeCloseTo(1.05, 9);
  });

  it("refuses what is no pair or no ratio", () => {
    expect(() => ratioOfPairs([1], [1, 2], 1)).toThrow(RangeError);
    expect(() => ratioOfPairs([], [], 1)).toThrow(RangeError);
    expect(() => ratioOfPairs([0], [1], 1)).toThrow(RangeError);
    expect(() => ratioOfPairs([1], [Number.NaN], 1)).toThrow(RangeError);
  });
});
