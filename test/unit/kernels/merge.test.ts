import { describe, expect, test } from "vitest";
import type { Case, Latency, Run } from "../../../src/document/run.ts";
import { mergeBoots } from "../../../src/kernels/merge.ts";
import { countedLatency } from "../../../src/stats/counted-latency.ts";
import { roundTrip } from "../../../src/stats/round-trip.ts";

type Perhaps = {
  values: number[];
  taken?: number;
  state?: Run["state"];
  metric?: number;
  trips?: number[];
};

function latency(values: readonly number[], taken: number): Latency {
  const buckets = [...new Set(values)]
    .sort((a, b) => a - b)
    .map((value): [number, number, number] => [
      value,
      value + 1,
      100 * values.filter((one) => one === value).length,
    ]);
  const perRound = values.map((value, index) => ({ round: index + 1, value, n: 100, of: 100 }));
  const shifted = buckets.map(([lo, hi, n]): [number, number, number] => [
    lo + taken,
    hi + taken,
    n,
  ]);
  return countedLatency({
    ...{ buckets: shifted, perRound, observer: { value: taken } },
    ...{ from: "fentry:from", to: "fentry:to" },
  });
}

function trips(values: readonly number[]): Pick<Case, "roundTrip"> | null {
  const buckets = values.map((ns): [number, number, number] => [ns, ns + 1, 1]);
  const together = roundTrip([{ buckets, from: "intended send time", missedSlots: values.length }]);
  return together === undefined ? null : { roundTrip: together };
}

function boot({
  values,
  taken = 53,
  state = "complete",
  metric = 6000,
  trips: each = [],
}: Perhaps): Run {
  const rounds = values.map((_, index) => ({ index: index + 1 }));
  const one = {
    id: "bridge:2/forward",
    state,
    error: state === "failed" ? "it broke" : null,
    warnings: ["the same in each boot"],
    rounds,
    metrics: {
      instructions_per_frame: { unit: "instructions", better: "lower", samples: [metric] },
    },
    latency: { "bridge.forward": latency(values, taken) },
    ...trips(each),
  } as unknown as Case;
  return { state, durationNs: 5, cases: [one] } as unknown as Run;
}

function merged(...boots: Perhaps[]): Case {
  const [one] = mergeBoots(boots.map(boot)).cases;
  if (one === undefined) throw new Error("the case is gone");
  return one;
}

describe("mergeBoots", () => {
  test("numbers the rounds on, and says which boot each was of", () => {
    const { rounds } = merged({ values: [824, 824] }, { values: [824] }, { values: [830, 824] });
    expect(rounds.map(({ index, boot: of }) => [index, of])).toEqual([
      [1, 0],
      [2, 0],
      [3, 1],
      [4, 2],
      [5, 2],
    ]);
  });

  test("the headline is the mode over all rounds, its interval what the boots disagree on", () => {
    const { latency: stages } = merged(
      { values: [824, 824, 874] },
      { values: [830, 830, 824] },
      { values: [824, 824, 824] },
    );
    const forward = stages["bridge.forward"];
    expect(forward?.estimate).toMatchObject({ value: 824, ci: [824, 830], n: 9 });
    expect(forward?.sampled).toBe(900);
    expect(forward?.perRound?.map(({ round }) => round)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("the probes' own instructions are those of the boots, and lie between theirs", () => {
    const boots = [53, 55, 53].map((taken) => ({ values: [824], taken }));
    const forward = merged(...boots).latency["bridge.forward"];
    expect(forward?.observer).toMatchObject({ value: 53, ci: [53, 55] });
    expect(forward?.p50).toBe(824);
    expect(forward?.raw.p50).toBeGreaterThanOrEqual(877);
    expect(forward?.raw.max).toBe(880);
  });

  test("samples of a metric stay in the order of the rounds", () => {
    const { metrics } = merged({ values: [1], metric: 3 }, { values: [1], metric: 2 });
    expect(metrics.instructions_per_frame?.samples).toEqual([3, 2]);
  });

  test("round trips of all boots are one histogram", () => {
    const one = merged(
      { values: [1], trips: [70, 90] },
      { values: [1] },
      { values: [1], trips: [70] },
    );
    expect(one.roundTrip).toMatchObject({
      count: 3,
      p50: 70.75,
      max: 91,
      buckets: [
        [70, 71, 2],
        [90, 91, 1],
      ],
      from: "intended send time",
      missedSlots: 3,
    });
    expect(merged({ values: [1] }, { values: [1] })).not.toHaveProperty("roundTrip");
  });

  test("one boot that failed fails the whole; a warning is said once", () => {
    const one = merged({ values: [1] }, { values: [1], state: "failed" });
    expect(one).toMatchObject({ state: "failed", error: "it broke" });
    expect(one.warnings).toEqual(["the same in each boot"]);
  });

  test("nothing to merge is a mistake", () => {
    expect(() => mergeBoots([])).toThrow(RangeError);
  });
});
