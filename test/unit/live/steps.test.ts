import { describe, expect, it } from "vitest";
import { createSteps, type FlowCount, mergedSteps } from "../../../src/live/steps.ts";

const counts = (all: Record<string, [frames: number, copies: number]>) =>
  new Map(
    Object.entries(all).map(([flow, [frames, copies]]): [string, FlowCount] => [
      flow,
      { frames, copies },
    ]),
  );
const one = () => 1;

describe("the steps of a flow", () => {
  it("hold what came since the step before, and none in which nothing came", () => {
    const steps = createSteps();
    steps.end(250, counts({ a: [10, 20] }), one);
    steps.end(500, counts({ a: [10, 20], b: [3, 0] }), one);
    steps.end(750, counts({ a: [15, 21], b: [3, 0] }), one);
    expect(steps.of("a")).toEqual([
      { endMs: 250, frames: 10, copies: 20 },
      { endMs: 750, frames: 5, copies: 1 },
    ]);
    expect(steps.of("b")).toEqual([{ endMs: 500, frames: 3, copies: 0 }]);
    expect(steps.of("c")).toEqual([]);
  });

  it("are scaled by the factor of their own time", () => {
    const steps = createSteps();
    steps.end(250, counts({ a: [10, 20], b: [10, 20] }), (flow) => (flow === "a" ? 4 : 1));
    steps.end(500, counts({ a: [20, 40], b: [20, 40] }), one);
    expect(steps.of("a").map(({ frames, copies }) => [frames, copies])).toEqual([
      [40, 80],
      [10, 20],
    ]);
    expect(steps.of("b").map(({ frames }) => frames)).toEqual([10, 10]);
  });

  it("spread what came evenly over steps in which nothing was counted", () => {
    const steps = createSteps();
    steps.end(250, counts({ a: [10, 0] }), one);
    steps.end(1000, counts({ a: [21, 0] }), one, 3);
    expect(steps.of("a").map(({ endMs, frames }) => [endMs, frames])).toEqual([
      [250, 10],
      [500, 4],
      [750, 3],
      [1000, 4],
    ]);
  });

  it("are forgotten from the oldest on where there are too many", () => {
    const steps = createSteps(4);
    for (let step = 1; step <= 5; step++) {
      steps.end(step * 100, counts({ a: [step, 0] }), one);
    }
    expect(steps.of("a").map(({ endMs }) => endMs)).toEqual([300, 400, 500]);
    steps.end(600, counts({ a: [6, 0] }), one);
    expect(steps.of("a")).toHaveLength(4);
  });

  it("of two flows that are one are added up", () => {
    expect(
      mergedSteps(
        [
          { endMs: 250, frames: 1, copies: 2 },
          { endMs: 750, frames: 1, copies: 1 },
        ],
        [
          { endMs: 250, frames: 3, copies: 4 },
          { endMs: 500, frames: 5, copies: 0 },
        ],
      ),
    ).toEqual([
      { endMs: 250, frames: 4, copies: 6 },
      { endMs: 500, frames: 5, copies: 0 },
      { endMs: 750, frames: 1, copies: 1 },
    ]);
  });
});
