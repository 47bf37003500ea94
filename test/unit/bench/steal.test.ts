import { describe, expect, it } from "vitest";
import { parseCpuTimes, stolenShare } from "../../../src/bench/steal.ts";

const TEXT = "cpu  100 0 50 800 10 0 5 35 0 0\ncpu0 50 0 25 400 5 0 2 18 0 0\n";

describe("steal", () => {
  it("adds the eight columns of the first line up", () => {
    expect(parseCpuTimes(TEXT)).toEqual({ total: 1000, softirq: 5, steal: 35 });
  });

  it("is a share of the time between two readings, or null where there is none to read", () => {
    const before = { total: 1000, softirq: 5, steal: 35 };
    expect(stolenShare(before, { total: 1200, steal: 45 })).toBeCloseTo(0.05, 12);
    expect(stolenShare(before, before)).toBeNull();
    expect(stolenShare(null, before)).toBeNull();
    expect(parseCpuTimes("nothing\n")).toBeNull();
  });
});
