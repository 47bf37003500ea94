import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { highestCount, highestPassing, trialsFor } from "../../../src/stats/search.ts";

describe("highestPassing", () => {
  it("finds a limit to the resolution, from below, in no more trials than it says", async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 1, max: 999, noNaN: true }), async (limit) => {
        let trials = 0;
        const found = await highestPassing(1000, 0.01, async (value) => {
          trials++;
          return value <= limit;
        });
        expect(found.bounded).toBe(true);
        expect(found.value).toBeLessThanOrEqual(limit);
        expect(found.value).toBeGreaterThan(limit * 0.98);
        expect(trials).toBeLessThanOrEqual(trialsFor(0.01));
      }),
    );
  });

  it("gives up where next to nothing passes", async () => {
    let trials = 0;
    const found = await highestPassing(1000, 0.01, async () => {
      trials++;
      return false;
    });
    expect(found).toEqual({ value: 0, bounded: true });
    expect(trials).toBe(11);
  });

  it("says that the limit lies above what could be tried", async () => {
    expect(await highestPassing(1000, 0.01, async () => true)).toEqual({
      value: 1000,
      bounded: false,
    });
  });
});

describe("highestCount", () => {
  it("finds a whole number exactly", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 4999 }), async (limit) => {
        const found = await highestCount(64, 5000, async (value) => value <= limit);
        expect(found).toEqual({ value: limit, bounded: true });
      }),
    );
  });

  it("tries no more than the most", async () => {
    const tried: number[] = [];
    const found = await highestCount(64, 100, async (value) => tried.push(value) > 0);
    expect(found).toEqual({ value: 100, bounded: false });
    expect(tried).toEqual([64, 100]);
  });
});
