import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lagOne } from "../../../../src/stats/autocorrelation.ts";
import { holm } from "../../../../src/stats/holm.ts";
import { LOOKS, spentBetween } from "../../../../src/stats/looks.ts";
import { seededRandom } from "../../../../src/stats/random.ts";
import { warmUpLength } from "../../../../src/stats/warm-up.ts";

describe("Holm's correction", () => {
  it('is R 4.2.2\'s p.adjust(c(.01, .04, .03, .005), "holm")', () => {
    const adjusted = holm([0.01, 0.04, 0.03, 0.005]);
    [0.03, 0.06, 0.06, 0.02].forEach((value, index) => {
      expect(adjusted[index]).toBeCloseTo(value, 12);
    });
  });

  it("never makes a p smaller, never more than 1, and keeps their order", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (p) => {
        const adjusted = holm(p);
        p.forEach((value, i) => {
          expect(adjusted[i]).toBeGreaterThanOrEqual(value);
          expect(adjusted[i]).toBeLessThanOrEqual(1);
          p.forEach((other, j) => {
            if (value < other) expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j] ?? 0);
          });
        });
      }),
    );
  });
});

describe("what looks may spend", () => {
  it("comes to all of it at the end, whichever looks took place", () => {
    fc.assert(
      fc.property(fc.subarray([...LOOKS].slice(0, -1)), (looks) => {
        const at = [0, ...looks, 1];
        const spent = at.slice(1).map((look, i) => spentBetween(at[i] ?? 0, look, 0.01));
        expect(spent.reduce((sum, one) => sum + one, 0)).toBeCloseTo(0.01, 15);
        for (const one of spent) expect(one).toBeGreaterThan(0);
      }),
    );
  });

  it("leaves the most to the last look", () => {
    expect(spentBetween(0, 0.25, 1)).toBeCloseTo(0.015625, 12);
    expect(spentBetween(0.75, 1, 1)).toBeCloseTo(0.578125, 12);
  });
});

describe("the warm-up", () => {
  const noise = (count: number, seed: number) => {
    const random = seededRandom(seed);
    return Array.from({ length: count }, () => random() - 0.5);
  };

  it("is what lies higher at the beginning", () => {
    const values = noise(100, 1).map((value, index) => value + (index < 15 ? 20 : 0));
    expect(warmUpLength(values)).toBe(15);
  });

  it("is not found while the series still falls", () => {
    expect(warmUpLength(Array.from({ length: 100 }, (_, index) => -index))).toBeNull();
  });

  it("is seldom more than little of what is level, and not moved by one odd round", () => {
    const cuts = Array.from({ length: 100 }, (_, seed) => {
      const values = noise(60, seed);
      values[58] = 1000;
      return warmUpLength(values);
    });
    expect(cuts.filter((cut) => cut === 0).length).toBeGreaterThan(30);
    expect(cuts.filter((cut) => cut === null).length).toBeLessThan(15);
  });
});

describe("the lag-1 autocorrelation", () => {
  it("is R 4.2.2's acf(x)$acf[2]", () => {
    expect(lagOne([3.1, 2.9, 3.4, 3.3, 2.7, 2.8, 3.6, 3.0, 3.2, 2.6])).toBeCloseTo(
      -0.235497835498,
      11,
    );
  });

  it("is nothing for too few values, or equal ones", () => {
    expect(lagOne([1, 2])).toBeNull();
    expect(lagOne([2, 2, 2, 2])).toBeNull();
  });
});
