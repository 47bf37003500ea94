import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { signFlipP } from "../../../../src/stats/paired/sign-flip.ts";
import { seededRandom } from "../../../../src/stats/random.ts";

const TEN = [0.012, -0.004, 0.021, 0.007, -0.011, 0.016, 0.009, 0.003, -0.002, 0.018];
const TIED = [0.01, -0.01, 0.02, 0.02, -0.03, 0.04, 0.04, 0.04, -0.05, 0.06];
const FORTY = Array.from({ length: 40 }, (_, index) => (((index * 37) % 41) - 18) / 1000);

describe("the sign-flip test", () => {
  it("counts all patterns of few pairs, as R 4.2.2's wilcox.test and SciPy 1.17.1's wilcoxon, both exact", () => {
    expect(signFlipP(TEN, 1)).toBeCloseTo(0.083984375, 12);
  });

  it("lets equal sizes share a rank, as SciPy 1.17.1's permutation_test of the signed-rank sum over all samples", () => {
    expect(signFlipP(TIED, 1)).toBeCloseTo(0.25390625, 12);
  });

  it("draws patterns of many, near SciPy 1.17.1's wilcoxon: 0.2248 exact, 0.2167 asymptotic", () => {
    expect(signFlipP(FORTY, 1)).toBeGreaterThan(0.205);
    expect(signFlipP(FORTY, 1)).toBeLessThan(0.235);
    expect(signFlipP(FORTY, 1)).toBe(signFlipP(FORTY, 1));
  });

  it("is never 0, and 1 where there is no difference", () => {
    expect(
      signFlipP(
        Array.from({ length: 100 }, (_, i) => i + 1),
        3,
      ),
    ).toBeCloseTo(1 / 20_001, 12);
    expect(signFlipP([0, 0, 0], 3)).toBe(1);
    expect(signFlipP([], 3)).toBe(1);
  });

  it("does not see the direction or the unit", () => {
    const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { maxLength: 14 });
    fc.assert(
      fc.property(values, fc.nat(), (differences, seed) => {
        const p = signFlipP(differences, seed);
        expect(
          signFlipP(
            differences.map((value) => -value),
            seed,
          ),
        ).toBe(p);
        expect(
          signFlipP(
            differences.map((value) => value * 8),
            seed,
          ),
        ).toBe(p);
        expect(p).toBeGreaterThan(0);
        expect(p).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("finds something in a hundredth of what is nothing, at 1 %", () => {
    const random = seededRandom(5);
    const nothing = () =>
      Array.from({ length: 12 }, () => (random() - 0.5) * (random() < 0.05 ? 50 : 1));
    const trials = 1000;
    const found = Array.from({ length: trials }, (_, i) => signFlipP(nothing(), i)).filter(
      (p) => p <= 0.01,
    );
    // Binomial(1000, 0.01): 22 or more in 0.1 % of such tests.
    expect(found.length).toBeLessThan(22);
    expect(found.length).toBeGreaterThan(1);
  });
});
