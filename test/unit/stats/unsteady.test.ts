import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/stats/random.ts";
import { unsteadiness, unsteadyWords } from "../../../src/stats/unsteady.ts";

describe("rounds that are not of one mind", () => {
  it("spread where their quartiles lie apart by more than a fifth of the median", () => {
    expect(unsteadiness([90, 95, 100, 105, 110]).spread).toBeNull();
    expect(unsteadiness([70, 80, 100, 120, 130]).spread).toBeCloseTo(0.4, 9);
    // Exactly a fifth is not more.
    expect(unsteadiness([80, 90, 100, 110, 120]).spread).toBeNull();
    expect(unsteadiness([50, 100, 200]).spread).toBeNull();
  });

  it("drift where one says more of the next than chance does in one case of a hundred", () => {
    const random = seededRandom(3);
    const trials = 4000;
    for (const n of [8, 24]) {
      let flagged = 0;
      for (let trial = 0; trial < trials; trial++) {
        const values = Array.from({ length: n }, () => random());
        if (unsteadiness(values).drift !== null) flagged++;
      }
      // The limit is that of normal values, and for few of others it errs on the quiet side.
      expect(flagged / trials).toBeLessThan(0.015);
    }
    const rising = Array.from({ length: 24 }, (_, index) => 100 + index);
    expect(unsteadiness(rising).drift).toBeGreaterThan(0.8);
    expect(unsteadiness(rising.slice(0, 7)).drift).toBeNull();
    expect(unsteadiness(Array(24).fill(100)).drift).toBeNull();
  });

  it("are told of by their number", () => {
    expect(unsteadyWords("rtt_p50", { spread: null, drift: null })).toEqual([]);
    const [spread, drift] = unsteadyWords("rtt_p50", { spread: 0.312, drift: 0.7 });
    expect(spread).toContain("rtt_p50 spread by 31 %");
    expect(drift).toContain("lag-1 autocorrelation 0.70");
  });
});
