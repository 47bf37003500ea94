import { describe, expect, test } from "vitest";
import type { Case, Latency, RoundTrip, Run } from "../../../src/document/run.ts";
import { FORMATS } from "../../../src/report/formats.ts";
import { roundTrip } from "../../../src/stats/round-trip.ts";
import { trips } from "../../fixtures/report/parts.ts";
import { completeRun, flood } from "../../fixtures/report/runs.ts";
import { withoutPacked } from "./markup.ts";

const RUNS: Record<string, Run> = {
  "no case": { ...completeRun(), cases: [], checks: [] },
  "a stage that was never timed": withLatency({ sampled: 0 }, { buckets: [] }),
  "one bucket that begins at zero": withLatency(
    { sampled: 1, p10: 0, p50: 0, p90: 0 },
    { p50: 0, buckets: [[0, 1, 1]] },
  ),
  "buckets that are missing": withLatency({}, { buckets: [] }),
  "a stage without a known observer": withLatency({ observer: null, withheld: "no sample" }),
  "a stage of one session": withLatency({ estimate: null }),
  "instruction-counted time": withLatency({ unit: "instructions" }),
  "one round": withSamples([2310]),
  "rounds that are all alike": withSamples([7, 7, 7]),
  "samples that pair with no round": withSamples([-1, 0, 1, 2]),
  "no sample": withSamples([]),
  "no frame": withoutFrames(),
  "round trips without any answer": withTrips({
    ...{ count: 0, p2_5: 0, p50: 0, p97_5: 0, p99: 0, p999: 0, max: 0, buckets: [] },
  }),
  "one round trip, in a bucket that begins at zero": withTrips(
    roundTrip([{ buckets: [[0, 1, 1]], from: "intended send time", missedSlots: 0 }]),
  ),
  "round trips whose buckets are missing": withTrips({ buckets: [] }),
};

describe.each(Object.entries(RUNS))("%s", (_, run) => {
  test.each(FORMATS.map((format) => [format.name, format] as const))("%s", (name, format) => {
    const text = format.render(run);
    expect(/NaN|undefined|Infinity|\[object/.exec(withoutPacked(text))?.[0] ?? null).toBeNull();
    // A list of metrics has no place for it where there are none.
    if (!name.includes("json") || (name === "benchmark-json" && text !== "[]\n"))
      expect(text).toContain(run.id);
  });
});

test("a run without cases says nothing of books and of cases that it does not have", () => {
  const none: Run = { ...completeRun(), cases: [], checks: [], state: "interrupted" };
  for (const { name, render } of FORMATS.filter((one) => /terminal|text|markdown/.test(one.name))) {
    const text = render(none);
    expect(text, name).toContain("The run was interrupted.");
    expect(text, name).not.toMatch(/Closure|What observing cost|0 of 0/);
  }
});

test("where nothing was answered no percentile is shown", () => {
  for (const { name, render } of FORMATS) {
    const text = render(RUNS["round trips without any answer"] ?? expect.fail());
    if (name !== "json") expect(text).not.toContain("97.5 %");
  }
});

test("instructions are not called time", () => {
  const html = FORMATS[0]?.render(withLatency({ unit: "instructions" })) ?? "";
  expect(html).toContain("instructions (logarithmic)");
});

function run(item: Case): Run {
  return { ...completeRun(), cases: [item] };
}

function withLatency(some: Partial<Latency>, raw: Partial<Latency["raw"]> = {}): Run {
  const item = flood(4);
  const latency = item.latency["bridge.flood"];
  if (latency === undefined) throw new Error("fixture");
  return run({
    ...item,
    latency: { "bridge.flood": { ...latency, ...some, raw: { ...latency.raw, ...raw } } },
  });
}

function withTrips(some: Partial<RoundTrip> = {}): Run {
  return run({ ...flood(4), roundTrip: { ...trips(1, 30_000), ...some } });
}

function withSamples(samples: number[]): Run {
  const item = flood(4);
  return run({
    ...item,
    rounds: item.rounds.slice(0, samples.length === 4 ? 9 : samples.length),
    metrics: { ns_per_frame: { unit: "ns", better: "lower", samples } },
  });
}

function withoutFrames(): Run {
  const item = flood(4);
  const { bridge } = item;
  if (bridge === undefined) throw new Error("fixture");
  const decisions = { ...bridge.decisions, unknownUnicast: 0 };
  return run({
    ...item,
    ports: [],
    bridge: { ...bridge, ingress: 0, egress: 0, amplification: null, decisions },
  });
}
