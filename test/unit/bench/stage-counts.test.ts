import { describe, expect, it } from "vitest";
import { instructionsPerFrame, stageCountsOf } from "../../../src/bench/observe/stage-counts.ts";
import { CALIBRATION_ROUND } from "../../../src/probes/counted.ts";

const ends = { pair: "fentry to fentry", from: "fentry:a", to: "fentry:b", emptyPath: 8 };
const whole = { lost: 0, degraded: [] };
const empty = new Map([
  [600, 190],
  [620, 10],
]);

describe("a stage in instructions", () => {
  it("is net of its probes, which are the empty path less what that path holds itself", () => {
    const round = new Map([
      [1600, 95],
      [1650, 5],
    ]);
    const samples = new Map([
      [CALIBRATION_ROUND, empty],
      [1, round],
    ]);
    const counts = stageCountsOf("bridge.forward", ends, samples, [1], whole);
    expect(counts.observer).toMatchObject({ value: 592, n: 190, of: 200 });
    expect(counts.perRound).toEqual([{ round: 1, value: 1008, n: 95, of: 100 }]);
    expect(counts.buckets).toEqual([
      [1600, 1601, 95],
      [1650, 1651, 5],
    ]);
  });

  it("has no number without its calibration", () => {
    const samples = new Map([[1, new Map([[1600, 95]])]]);
    const counts = stageCountsOf("bridge.forward", ends, samples, [1], whole);
    expect(counts).toMatchObject({ observer: null, perRound: [] });
    expect(counts.degraded[0]).toMatch(/empty path/);
  });
});

describe("instructions of a frame", () => {
  it("are those of most trains", () => {
    expect(instructionsPerFrame([8397.4, 8303.5, 8303.6, 8303.5, 24_000])).toBe(8304);
  });

  it("are those of the shortest train where no two agree", () => {
    expect(instructionsPerFrame([24_000, 20_755.3, 20_931.4])).toBe(20_755);
    expect(instructionsPerFrame([])).toBeNull();
  });
});
