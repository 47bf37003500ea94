import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ascending, median, quantile } from "../../../src/stats/quantile.ts";

describe("quantile", () => {
  // By hand from h = (n - 1) p: 1 + 0.4 * 1, x[2], x[3], 8 + 0.6 * 8
  it("is Hyndman and Fan's type 7", () => {
    const values = [1, 2, 4, 8, 16];
    expect([0.1, 0.25, 0.5, 0.9].map((p) => quantile(values, p))).toEqual([1.4, 2, 4, 12.8]);
  });

  it("is NaN without values", () => {
    expect(quantile([], 0.5)).toBeNaN();
  });

  it("lies between the extremes and grows with p", () => {
    const values = fc.array(fc.integer(), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, p) => {
        const sorted = ascending(list);
        const value = quantile(sorted, p);
        expect(value).toBeGreaterThanOrEqual(sorted[0] ?? Number.NaN);
        expect(value).toBeLessThanOrEqual(sorted.at(-1) ?? Number.NaN);
        expect(value).toBeLessThanOrEqual(quantile(sorted, Math.min(1, p + 0.1)));
      }),
    );
  });

  it("does not mind the order for a median", () => {
    expect(median([9, 1, 5])).toBe(5);
  });
});
