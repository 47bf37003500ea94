import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ratioOfPairs } from "../../../../src/stats/paired/ratio.ts";

const A = [103, 98, 110, 95, 101, 99, 120, 97, 102, 100, 104, 96];
const B = [100, 97, 105, 96, 98, 100, 110, 95, 101, 99, 103, 94];

const rounds = fc.array(
  fc.tuple(
    fc.double({ min: 1, max: 1e6, noNaN: true }),
    fc.double({ min: 1, max: 1e6, noNaN: true }),
  ),
  { minLength: 5, maxLength: 40 },
);
const sides = (pairs: [number, number][]) =>
  [pairs.map(([a]) => a), pairs.map(([, b]) => b)] as const;

describe("the ratio of pairs", () => {
  // SciPy 1.17.1: exp of median(log(A/B)), and of scipy.stats.bootstrap((log(A/B),), numpy.median,
  // method="percentile", n_resamples=200000, random_state=1).
  it("is SciPy's median log ratio with its percentile bootstrap at 95 %", () => {
    const usual = ratioOfPairs(A, B, 1);
    expect(usual.ratio).toBeCloseTo(1.0156667501540164, 12);
    expect(usual.ci[0]).toBeCloseTo(1.0098048594062883, 3);
    expect(usual.ci[1]).toBeCloseTo(1.0303060769717405, 3);
  });

  it("is turned over when the sides are", () => {
    fc.assert(
      fc.property(rounds, fc.nat(), (pairs, seed) => {
        const [a, b] = sides(pairs);
        const one = ratioOfPairs(a, b, seed);
        const other = ratioOfPairs(b, a, seed);
        expect(Math.log(other.ratio)).toBeCloseTo(-Math.log(one.ratio), 9);
        expect(Math.log(other.ci[0])).toBeCloseTo(-Math.log(one.ci[1]), 9);
        expect(Math.log(other.ci[1])).toBeCloseTo(-Math.log(one.ci[0]), 9);
      }),
    );
  });

  it("does not see the unit, and lies in its interval", () => {
    fc.assert(
      fc.property(
        rounds,
        fc.nat(),
        fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
        (pairs, seed, unit) => {
          const [a, b] = sides(pairs);
          const one = ratioOfPairs(a, b, seed);
          const scaled = ratioOfPairs(
            a.map((value) => value * unit),
            b.map((value) => value * unit),
            seed,
          );
          expect(Math.log(scaled.ratio)).toBeCloseTo(Math.log(one.ratio), 9);
          expect(one.ci[0]).toBeLessThanOrEqual(one.ratio * (1 + 1e-12));
          expect(one.ci[1]).toBeGreaterThanOrEqual(one.ratio * (1 - 1e-12));
        },
      ),
    );
  });

  it("is the same under the same seed", () => {
    expect(ratioOfPairs(A, B, 7)).toEqual(ratioOfPairs(A, B, 7));
  });

  it.each([
    ["unpaired", [1, 2], [1], "logRatios needs pairs"],
    ["none", [], [], "logRatios needs pairs"],
    ["a zero", [1, 0], [1, 1], "logRatios needs positive, finite values"],
    ["no number", [1, Number.NaN], [1, 1], "logRatios needs positive, finite values"],
  ])("refuses %s", (_, a, b, reason) => {
    expect(() => ratioOfPairs(a, b, 1)).toThrow(new RangeError(reason));
  });

  it("says how it came to its answer", () => {
    expect(ratioOfPairs(A, B, 7).method).toMatch(
      new RegExp(`^median log ratio of ${A.length} adjacent pairs .*95 % percentile bootstrap$`),
    );
  });
});
