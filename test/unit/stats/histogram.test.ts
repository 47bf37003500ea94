import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Bucket,
  bucketQuantile,
  MOST_OFF,
  mergeBuckets,
  STEPS_PER_OCTAVE,
  total,
} from "../../../src/stats/histogram.ts";
import { ascending, quantile } from "../../../src/stats/quantile.ts";

/** The grid of watch.bt: x << shift with x in 16..31, and every value under 32 by itself. */
function bucketOf(value: number): Bucket {
  let shift = 0;
  let step = value;
  while (step >= 2 * STEPS_PER_OCTAVE) {
    step = Math.floor(step / 2);
    shift++;
  }
  return [step * 2 ** shift, (step + 1) * 2 ** shift, 1];
}

/** The last step of the unrolled search for a bucket. */
const LAST_SHIFT = /if \(\$x >> (\d+)\) \{ \$x = \$x >> 1; \$s = \$s \+ 1; \}$/gm;

describe("histograms", () => {
  it("has the grid of the probe programs", () => {
    const programs = readdirSync("src/probes", { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".bt"))
      .map((name) => readFileSync(`src/probes/${name}`, "utf8"));
    const bits = programs.flatMap((text) => [...text.matchAll(LAST_SHIFT)].map(([, to]) => to));
    expect(bits.length).toBeGreaterThan(0);
    expect(new Set(bits)).toEqual(new Set([String(Math.log2(2 * STEPS_PER_OCTAVE))]));
  });

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

  it("is within a bucket's width of the true percentile for latencies of a continuous kind", () => {
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
          expect(found).toBeGreaterThanOrEqual(low / (1 + MOST_OFF));
          expect(found).toBeLessThanOrEqual(high * (1 + MOST_OFF));
        },
      ),
      { numRuns: 60 },
    );
  });
});
