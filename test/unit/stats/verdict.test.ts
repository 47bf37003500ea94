import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { resample } from "../../../src/stats/bootstrap.ts";
import {
  judge,
  ratioOfIntervals,
  ratioOfMedians,
  smallestVisible,
} from "../../../src/stats/verdict.ts";

const reading = fc
  .tuple(
    fc.integer({ min: 100, max: 5000 }),
    fc.integer({ min: 0, max: 90 }),
    fc.integer({ min: 0, max: 90 }),
  )
  .map(([value, below, above]) => ({
    value,
    ci: [value - below, value + above] as [number, number],
  }));

describe("ratioOfIntervals", () => {
  it("leaves 1 out exactly when the intervals do not overlap", () => {
    fc.assert(
      fc.property(reading, reading, (a, b) => {
        const found = ratioOfIntervals(a, b);
        if (found === null) throw new Error("expected a ratio");
        const apart = a.ci[1] < b.ci[0] || b.ci[1] < a.ci[0];
        expect(found.ci[0] > 1 || found.ci[1] < 1).toBe(apart);
        expect(found.ci[0]).toBeLessThanOrEqual(found.ratio);
        expect(found.ci[1]).toBeGreaterThanOrEqual(found.ratio);
      }),
    );
  });

  it("has none for what is not positive", () => {
    expect(ratioOfIntervals({ value: 1, ci: [0, 1] }, { value: 1, ci: [1, 1] })).toBeNull();
    expect(
      ratioOfIntervals({ value: 1, ci: [1, 1] }, { value: Number.NaN, ci: [1, 1] }),
    ).toBeNull();
  });
});

describe("ratioOfMedians", () => {
  it("finds the factor, inside its interval, the same under one seed", () => {
    const values = Array.from({ length: 25 }, (_, index) => 100 + (index % 7));
    const more = values.map((value) => value * 1.1);
    const found = ratioOfMedians(resample(values, 3), resample(more, 4));
    expect(found?.ratio).toBeCloseTo(1.1, 9);
    expect(found?.ci[0]).toBeLessThanOrEqual(1.1);
    expect(found?.ci[1]).toBeGreaterThanOrEqual(1.1);
    expect(ratioOfMedians(resample(values, 3), resample(more, 4))).toEqual(found);
  });

  it("is as wide where both were drawn from one seed", () => {
    const values = Array.from({ length: 25 }, (_, index) => 100 + (index % 7));
    const width = (seed: number) => {
      const { ci } = ratioOfMedians(resample(values, 3), resample(values, seed)) ?? expect.fail();
      return ci[1] / ci[0] - 1;
    };
    expect(width(3) / width(4)).toBeGreaterThan(0.7);
  });

  it("says nothing under five rounds, or of zeros", () => {
    const five = resample([1, 2, 3, 4, 5], 1);
    expect(ratioOfMedians(resample([1, 2, 3, 4], 1), five)).toBeNull();
    expect(ratioOfMedians(five, resample([1, 2, 3, 4], 1))).toBeNull();
    expect(ratioOfMedians(resample([1, 2, 3, 4, 0], 1), five)).toBeNull();
  });
});

describe("judge", () => {
  it.each([
    ["inside the margin", [0.999, 1.001], "unchanged"],
    ["inside the margin and beyond 1", [1.0005, 1.001], "unchanged"],
    ["beyond 1, reaching out of the margin", [1.0005, 1.01], "regression"],
    ["outside the margin", [1.01, 1.02], "regression"],
    ["below 1", [0.9, 0.95], "improvement"],
    ["over 1, out of the margin", [0.99, 1.001], "inconclusive"],
    ["touching 1", [1, 1.01], "inconclusive"],
    ["from end to end of the margin", [1 / 1.002, 1.002], "unchanged"],
  ] as const)("%s", (_, ci, verdict) => {
    expect(judge(ci, 0.002, "lower")).toBe(verdict);
  });

  it("turns over with the sides, and with what is better", () => {
    const turned = {
      regression: "improvement",
      improvement: "regression",
      unchanged: "unchanged",
      inconclusive: "inconclusive",
    } as const;
    const end = fc.double({ min: -0.02, max: 0.02, noNaN: true }).map(Math.exp);
    fc.assert(
      fc.property(end, end, (a, b) => {
        const ci = [Math.min(a, b), Math.max(a, b)] as const;
        const verdict = judge(ci, 0.005, "lower");
        expect(judge(ci, 0.005, "higher")).toBe(turned[verdict]);
        // Away from the margin's very edge, where the last bit decides.
        if ([...ci].every((one) => Math.abs(Math.abs(Math.log(one)) - Math.log(1.005)) > 1e-9)) {
          expect(judge([1 / ci[1], 1 / ci[0]], 0.005, "lower")).toBe(turned[verdict]);
        }
      }),
    );
  });
});

it("the smallest visible change is what the wider side of the interval reaches", () => {
  expect(smallestVisible({ ratio: 1, ci: [0.8, 1.1] })).toBeCloseTo(0.25, 12);
  expect(smallestVisible({ ratio: 2, ci: [1.9, 2.5] })).toBeCloseTo(0.25, 12);
});

it("a change of the smallest visible size is beyond, a smaller one need not be", () => {
  fc.assert(
    fc.property(reading, reading, (a, b) => {
      const found = ratioOfIntervals(a, b);
      if (found === null) throw new Error("expected a ratio");
      const visible = smallestVisible(found);
      const low = (found.ci[0] / found.ratio) * (1 + visible) * 1.000001;
      const high = ((found.ci[1] / found.ratio) * 0.999999) / (1 + visible);
      expect(low).toBeGreaterThan(1);
      expect(high).toBeLessThan(1);
    }),
  );
});
