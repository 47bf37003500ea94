import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MOST_RUNS, runsNeeded } from "../../../src/stats/compare/needs.ts";

/** R 4.2.2: the least n with qt(1 - alpha/2, 2 * n - 2) * sd * sqrt(2 / n) <= room. */
describe("runsNeeded, against R", () => {
  it.each([
    [{ difference: 0, deviation: 0.02 }, { alpha: 0.01, margin: 0.02 }, 16],
    [{ difference: 0, deviation: 0.01 }, { alpha: 0.01, margin: 0.05 }, 3],
    [{ difference: 0, deviation: 0.05 }, { alpha: 0.0005, margin: 0.1 }, 10],
    [{ difference: -0.015, deviation: 0.02 }, { alpha: 0.01, margin: 0 }, 26],
  ])("%o %o", (spread, asked, runs) => {
    expect(runsNeeded(spread, asked)).toBe(runs);
  });
});

it("is beyond counting for no change at margin 0, and 2 for what does not vary", () => {
  const asked = { alpha: 0.01, margin: 0 };
  expect(runsNeeded({ difference: 0, deviation: 0.02 }, asked)).toBe(Number.POSITIVE_INFINITY);
  expect(runsNeeded({ difference: 0.1, deviation: 0 }, asked)).toBe(2);
});

it("does not fall as runs vary more", () => {
  const share = fc.double({ min: 0.001, max: 0.2, noNaN: true });
  fc.assert(
    fc.property(share, share, share, (difference, one, other) => {
      const [less, more] = [Math.min(one, other), Math.max(one, other)];
      const of = (deviation: number) =>
        runsNeeded({ difference, deviation }, { alpha: 0.01, margin: 0.02 });
      expect(of(less)).toBeLessThanOrEqual(of(more));
      expect(of(less) <= MOST_RUNS || of(less) === Number.POSITIVE_INFINITY).toBe(true);
    }),
  );
});
