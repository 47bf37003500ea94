import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { slopeOfModes, slopeOverRounds } from "../../../src/stats/slope.ts";

const ROUNDS = 9;

/** Rounds whose level drifts from one to the next, as a shared machine's does. */
function drifting(counts: readonly number[], slope: number, odd = 0): number[][] {
  return counts.map((count, index) =>
    Array.from(
      { length: ROUNDS },
      (_, round) => 1000 + 100 * round + slope * count + (index === 0 && round === 4 ? odd : 0),
    ),
  );
}

describe("slopeOverRounds", () => {
  it("finds the slope whatever the level of a round is", () => {
    fc.assert(
      fc.property(fc.double({ min: -50, max: 50, noNaN: true }), (slope) => {
        const estimate = slopeOverRounds([2, 16, 64], drifting([2, 16, 64], slope), 1);
        expect(estimate?.value).toBeCloseTo(slope, 6);
        expect(estimate?.ci[0]).toBeCloseTo(slope, 6);
      }),
    );
  });

  it("is not led astray by one round", () => {
    const estimate = slopeOverRounds([2, 16, 64], drifting([2, 16, 64], 5, 1e6), 1);
    expect(estimate?.value).toBeCloseTo(5, 6);
  });

  it("counts the rounds in which every case was measured, and says how it came to its answer", () => {
    const samples = drifting([2, 16, 64], 5).map((one) => one.slice(0, 5));
    const estimate = slopeOverRounds([2, 16, 64], samples, 1);
    expect(estimate).toMatchObject({
      n: 5,
      method: expect.stringMatching(/^median over 5 rounds of the Theil-Sen/),
    });
    samples[1]?.pop();
    expect(slopeOverRounds([2, 16, 64], samples, 1)).toBeNull();
  });

  it("says nothing where there is nothing to say", () => {
    expect(slopeOverRounds([2, 2], drifting([2, 2], 5), 1)).toBeNull();
    expect(
      slopeOverRounds(
        [2, 16],
        [
          [1, 2],
          [3, 4],
        ],
        1,
      ),
    ).toBeNull();
  });

  it("agrees with SciPy 1.17.1's scipy.stats.theilslopes([100, 170, 420], [2, 16, 64])", () => {
    const same = (value: number) => Array.from({ length: 5 }, () => value);
    const estimate = slopeOverRounds([2, 16, 64], [same(100), same(170), same(420)], 1);
    expect(estimate?.value).toBeCloseTo(5.161290322580645, 12);
  });
});

describe("slopeOfModes", () => {
  it("is of each case's most frequent number, the least among equals", () => {
    expect(
      slopeOfModes(
        [2, 8],
        [
          [300, 300, 350],
          [900, 950],
        ],
      ),
    ).toBe(100);
    expect(slopeOfModes([1, 2, 4], [[10], [20], [40, 41]])).toBe(10);
  });

  it("is null without two lengths, or with a case that has no number", () => {
    expect(slopeOfModes([2, 2], [[1], [2]])).toBeNull();
    expect(slopeOfModes([2, 8], [[1], []])).toBeNull();
  });
});
