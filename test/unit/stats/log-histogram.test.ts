import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bucketQuantile, total } from "../../../src/stats/histogram.ts";
import { LogHistogram } from "../../../src/stats/log-histogram.ts";
import { ascending, quantile } from "../../../src/stats/quantile.ts";

describe("LogHistogram", () => {
  it("puts every value into a bucket that holds it and is at most 1/64 of it wide", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (value) => {
        const histogram = new LogHistogram();
        histogram.record(value);
        const [bucket] = histogram.buckets();
        const [lo = Number.NaN, hi = Number.NaN, count] = bucket ?? [];
        expect(count).toBe(1);
        expect(lo).toBeLessThanOrEqual(value);
        expect(hi).toBeGreaterThan(value);
        expect(hi - lo).toBeLessThanOrEqual(Math.max(1, value / 64));
      }),
    );
  });

  it("has edges that are whole numbers and leave no gap", () => {
    const histogram = new LogHistogram();
    for (let value = 0; value < 5000; value++) histogram.record(value);
    const buckets = histogram.buckets();
    expect(total(buckets)).toBe(5000);
    buckets.forEach(([lo], index) => {
      if (index > 0) expect(lo).toBe(buckets[index - 1]?.[1]);
    });
  });

  it("gives a percentile within 1.6 % of the samples' own", () => {
    const values = Array.from({ length: 10_001 }, (_, index) => Math.round(1.001 ** index) + 100);
    const histogram = new LogHistogram();
    for (const value of values) histogram.record(value);
    for (const p of [0.025, 0.5, 0.975, 0.99, 0.999]) {
      const exact = quantile(ascending(values), p);
      expect(Math.abs(bucketQuantile(histogram.buckets(), p) / exact - 1)).toBeLessThan(0.016);
    }
  });
});
