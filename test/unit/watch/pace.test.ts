import { describe, expect, it } from "vitest";
import { FULL_PACE, nextPace, shareOf } from "../../../src/watch/pace.ts";

const LIMIT = 0.02;
const SAMPLING = { shift: 6, part: 1 };

describe("the pace of the probes", () => {
  it("stays full while they take less than half of what they may", () => {
    expect(nextPace(FULL_PACE, { counting: 0.009, resting: null }, LIMIT)).toEqual(FULL_PACE);
  });

  it("times fewer passages first", () => {
    expect(nextPace(FULL_PACE, { counting: 0.04, resting: null }, LIMIT)).toEqual(SAMPLING);
    expect(nextPace(FULL_PACE, { counting: 0.011, resting: null }, LIMIT)).toEqual(SAMPLING);
  });

  it("counts for a part of the time next, so that both parts together stay below the limit", () => {
    const cost = { counting: 0.1, resting: 0.01 };
    const pace = nextPace(SAMPLING, cost, LIMIT);
    if (pace === "detach") throw new Error("detached");
    expect(pace.part).toBeCloseTo((0.018 - 0.01) / 0.09);
    expect(shareOf(cost, pace.part)).toBeLessThanOrEqual(LIMIT);
  });

  it("detaches where the resting probes would take too much", () => {
    expect(nextPace(SAMPLING, { counting: 0.25, resting: 0.02 }, LIMIT)).toBe("detach");
    expect(nextPace(FULL_PACE, { counting: 0.5, resting: null }, LIMIT)).toBe("detach");
    expect(nextPace(SAMPLING, { counting: 0.9, resting: null }, LIMIT)).toBe("detach");
  });

  it("goes back to full when the load is gone", () => {
    expect(nextPace({ shift: 6, part: 0.1 }, { counting: 0.01, resting: 0.001 }, LIMIT)).toEqual(
      SAMPLING,
    );
    expect(nextPace(SAMPLING, { counting: 0.001, resting: 0.001 }, LIMIT)).toEqual(FULL_PACE);
  });
});
