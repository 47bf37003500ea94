import { describe, expect, test } from "vitest";
import { headline, ProgressFold, remaining } from "../../../src/bench/fold/progress.ts";
import { estimateNs, LADDER_NS, stepsOf } from "../../../src/bench/plan/plan.ts";
import { planFor } from "../../../src/bench/plan/request.ts";
import type { RunProgress } from "../../../src/document/progress.ts";

describe("remaining", () => {
  const plannedNs = [10, 20, 30];
  const start = { plannedNs, tookNs: [], spentNs: 0, leastNs: 0 };

  test("before anything is finished it is the plan's own estimate", () => {
    expect(remaining(start)).toBe(60);
    expect(remaining({ ...start, spentNs: 4 })).toBe(56);
  });

  test("what the finished cases really took corrects the others", () => {
    expect(remaining({ ...start, tookNs: [5] })).toBe(25);
    expect(remaining({ ...start, tookNs: [5], spentNs: 4 })).toBe(21);
    expect(remaining({ ...start, tookNs: [20, 40], spentNs: 10 })).toBe(50);
  });

  test("a case that takes longer than thought still has its rounds to come", () => {
    expect(remaining({ ...start, spentNs: 25, leastNs: 7 })).toBe(57);
  });

  test("is never negative", () => {
    expect(remaining({ ...start, tookNs: [10, 20], spentNs: 1000 })).toBe(0);
    expect(remaining({ ...start, tookNs: [10, 20, 30], spentNs: 1000 })).toBe(0);
    expect(remaining({ plannedNs: [], tookNs: [], spentNs: 1, leastNs: 0 })).toBe(0);
  });
});

describe("headline", () => {
  test("is the round's rate where it has one", () => {
    const metrics = { ns_per_frame: 6870, frame_rate: 146_000, frame_loss: 0 };
    expect(headline(4, metrics)).toEqual({
      index: 4,
      metric: "frame_rate",
      value: 146_000,
      unit: "frames/s",
    });
  });

  test("else its first metric, and without any nothing", () => {
    expect(headline(1, { frame_loss: 0, rtt_p50: 8600 })?.metric).toBe("rtt_p50");
    expect(headline(1, {})).toBeNull();
  });
});

describe("a run's progress", () => {
  const { plan } = planFor(undefined, {
    topology: ["bridge:2", "bridge:4"],
    workload: ["flood"],
    rounds: 2,
    duration: "1s",
    backend: "off",
  });
  const [one = "", two = ""] = plan.cases.map(({ id }) => id);

  function followed(checksNs = 0) {
    const told: RunProgress[] = [];
    let time = 0;
    const steps = stepsOf(plan);
    const tell = (progress: RunProgress) => told.push(progress);
    const fold = new ProgressFold({ steps, checksNs, tell, now: () => time });
    const at = () => ({ at: time });
    return {
      told,
      fold,
      pass: (seconds: number) => {
        time += seconds * 1e9;
      },
      begin: (id: string) => fold.enter({ act: "begin", id, ...at() }),
      say: (say: string) => fold.before({ act: "close", say }),
      round: (metrics: Record<string, number>) =>
        fold.enter({ act: "measure", rounds: [roundOf(metrics)], ...at() }),
      discard: () => fold.enter({ act: "discard", attempt: 1, reason: "", ...at() }),
    };
  }

  test("tells of phases and finished rounds with all that is known by then", () => {
    const { told, begin, pass, say, round } = followed();
    begin(one);
    pass(1);
    say("round 1 of 2");
    pass(1);
    round({ frame_rate: 5e5 });
    const common = { done: 0, total: 2, current: "bridge:2/flood", what: "round 1 of 2" };
    const last = { index: 1, metric: "frame_rate", value: 5e5, unit: "frames/s" };
    expect(told).toEqual([
      {
        ...common,
        event: "phase",
        rounds: { done: 0, total: 2 },
        round: null,
        elapsedNs: 1e9,
        remainingNs: estimateNs(plan) - 1e9,
      },
      {
        ...common,
        event: "round",
        rounds: { done: 1, total: 2 },
        round: last,
        elapsedNs: 2e9,
        remainingNs: estimateNs(plan) - 2e9,
      },
    ]);
  });

  test("the next case begins without rounds, and at the pace of the last", () => {
    const { told, begin, pass, say, round } = followed();
    const [first, second] = stepsOf(plan).map((step) => step.estimateNs);
    begin(one);
    round({ frame_rate: 5e5 });
    pass((2 * (first ?? 0)) / 1e9);
    begin(two);
    say("building the lab");
    expect(told.at(-1)).toMatchObject({
      done: 1,
      current: "bridge:4/flood",
      rounds: { done: 0, total: 2 },
      round: null,
      remainingNs: 2 * (second ?? 0),
    });
  });

  test("rounds that are discarded are before it again", () => {
    const { told, begin, say, round, discard } = followed();
    begin(one);
    round({ frame_rate: 5e5 });
    discard();
    say("building the lab");
    expect(told.at(-1)).toMatchObject({ done: 0, rounds: { done: 0, total: 2 } });
  });

  test("before the first case there are no rounds, and the checks are still to come", () => {
    const { told, fold, pass } = followed(LADDER_NS);
    pass(1);
    fold.before({ act: "check", say: "walking" });
    expect(told).toEqual([
      {
        event: "phase",
        done: 0,
        total: 2,
        current: "checks",
        what: "walking",
        rounds: null,
        round: null,
        elapsedNs: 1e9,
        remainingNs: estimateNs(plan) + LADDER_NS - 1e9,
      },
    ]);
  });

  test("a round without a metric counts and is not told of", () => {
    const { told, begin, say, round } = followed();
    begin(one);
    round({});
    expect(told).toEqual([]);
    say("round 2 of 2");
    expect(told[0]?.rounds).toEqual({ done: 1, total: 2 });
  });
});

function roundOf(metrics: Record<string, number>) {
  const reading = {
    ...{
      cpu: null,
      softnetDrops: null,
      squeezed: null,
      involuntarySwitches: 0,
      pressureUs: null,
      atNs: 0,
    },
  };
  return {
    ...{ driver: "case", side: "off" as const, startNs: 0, durationNs: 1 },
    ...{ before: reading, after: reading, measured: { metrics, cpu: null } },
  };
}
