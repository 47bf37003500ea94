import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Bucket, bucketQuantile, mergeBuckets, total } from "../../../src/stats/histogram.ts";
import { ascending, quantile } from "../../../src/stats/quantile.ts";

/** The grid of bridge.bt: x << shift with x in 16..31, and every value under 32 by itself. */
function bucketOf(value: number): Bucket {
  let shift = 0;
  let step = value;
  while (step > 31) {
    step = Math.floor(step / 2);
    shift++;
  }
  return [step * 2 ** shift, (step + 1) * 2 ** shift, 1];
}

describe("histograms", () => {
  it("adds equal buckets up, ascending, without empty ones", () => {
    const merged = mergeBuckets([
      [64, 68, 2],
      [10, 11, 1],
      [64, 68, 3],
      [70, 72, 0],
    ]);
    expect(merged).toEqual([
      [10, 11, 1],
      [64, 68, 5],
    ]);
    expect(total(merged)).toBe(6);
  });

  it("leaves what it merges alone", () => {
    const bucket: Bucket = [1, 2, 1];
    mergeBuckets([bucket, [1, 2, 5]]);
    expect(bucket).toEqual([1, 2, 1]);
  });

  it("has no quantile without samples", () => {
    expect(bucketQuantile([], 0.5)).toBeNaN();
  });

  it("is within 5 % of the true percentile for latencies of a continuous kind", () => {
    const latency = fc.integer({ min: 200, max: 10_000_000 });
    fc.assert(
      fc.property(
        fc.array(latency, { minLength: 500, maxLength: 2000 }),
        fc.constantFrom(0.5, 0.9, 0.99),
        (values, p) => {
          const found = bucketQuantile(mergeBuckets(values.map(bucketOf)), p);
          const sorted = ascending(values);
          // Between neighbouring order statistics every value is a true p-quantile.
          const low = quantile(sorted, Math.max(0, p - 1 / values.length));
          const high = quantile(sorted, Math.min(1, p + 1 / values.length));
          expect(found).toBeGreaterThanOrEqual(low / 1.0626);
          expect(found).toBeLessThanOrEqual(high * 1.0626);
        },
      ),
      { numRuns: 60 },
    );
  });
});
