import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { programFiles, readProgram } from "../../../src/probes/include.ts";
import {
  type Bucket,
  bucketQuantile,
  mergeBuckets,
  STEPS_PER_OCTAVE,
  total,
  withoutObserver,
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

/** The most that a percentile read from a bucket is off by, as a share of itself. */
const MOST_OFF = 1 / STEPS_PER_OCTAVE;

/** The last step of the unrolled search for a bucket. */
const LAST_SHIFT = /if \(\$x >> (\d+)\) \{ \$x = \$x >> 1; \$s = \$s \+ 1; \}$/gm;

describe("histograms", () => {
  it("has the grid of the probe programs", () => {
    const programs = programFiles("src/probes").map((file) => readProgram("src/probes", file));
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

  it("is moved by what the probes took of each sample", () => {
    const buckets: Bucket[] = [
      [480, 488, 1],
      [488, 496, 2],
      [496, 504, 4],
      [800, 808, 8],
    ];
    const at = (taken: number) => withoutObserver(buckets, taken);
    expect(at(400)).toEqual([
      [80, 88, 1],
      [88, 96, 2],
      [96, 104, 4],
      [400, 408, 8],
    ]);
    // What would be below nothing is at nothing, and no two steps overlap.
    expect(at(500)).toEqual([
      [0, 4, 7],
      [300, 308, 8],
    ]);
    expect(at(496)).toEqual([
      [0, 8, 7],
      [304, 312, 8],
    ]);
    expect(at(700)).toEqual([
      [0, 100, 7],
      [100, 108, 8],
    ]);
    expect(at(900)).toEqual([[0, 1, 15]]);
    expect(total(at(500))).toBe(total(buckets));
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
