import { describe, expect, it } from "vitest";
import { normalTail, studentQuantile, studentTail } from "../../../src/stats/student.ts";

describe("tails", () => {
  it("of Student's t are R 4.2.2's pt, for odd and even degrees of freedom", () => {
    expect(studentTail(3.2, 13)).toBeCloseTo(0.00348379492671, 11);
    expect(studentTail(2.5, 4)).toBeCloseTo(0.033383272406, 11);
    expect(1 - studentTail(1.3, 9)).toBeCloseTo(0.887046813663, 11);
  });

  it("of the normal distribution are R 4.2.2's pnorm", () => {
    expect(normalTail(3.4)).toBeCloseTo(0.000336929265677, 11);
    expect(normalTail(0.5)).toBeCloseTo(0.308537538726, 11);
    expect(normalTail(0)).toBeCloseTo(0.5, 11);
  });

  it.each([1, 2, 9, 10, 99])(
    "are turned round by the quantile, with %i degrees of freedom",
    (freedom) => {
      for (const tail of [0.4, 0.05, 0.0029]) {
        expect(studentTail(studentQuantile(tail, freedom), freedom)).toBeCloseTo(tail, 10);
      }
    },
  );
});
