import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Case, Run } from "../../../src/document/run.ts";
import { renderGobench } from "../../../src/report/exports/gobench.ts";
import { bookwormRun, tcgRun } from "../../fixtures/report/kernels.ts";
import { watched } from "../../fixtures/report/parts.ts";
import { completeRun, flood, hostileRun, interruptedRun } from "../../fixtures/report/runs.ts";
import { type GoResult, parseGoBenchmarks } from "./go-benchmark.ts";

const resultsOf = (run: Run) => parseGoBenchmarks(renderGobench(run)).results;
const of = (results: readonly GoResult[], topology: string, workload: string) =>
  results.filter(({ keys }) => keys.topology === topology && keys.workload === workload);
const withCase = (some: Partial<Case>): Run => ({
  ...completeRun(),
  cases: [{ ...flood(4), ...some }],
});

/** The first round of the first case has kept each of its round trips. */
function withRoundTrips(run: Run): Run {
  const [round] = run.cases[0]?.rounds ?? [];
  if (round !== undefined) round.rttNs = Array.from({ length: 17 }, () => 31_000);
  return run;
}

describe("a run with rounds of three kinds", () => {
  const run = withRoundTrips({ ...completeRun(), cases: completeRun().cases.map(watched) });
  const { results, better } = parseGoBenchmarks(renderGobench(run));

  test("has a line for each round and case, with all metrics of the round", () => {
    const lines = of(results, "bridge:4", "flood").filter(({ values }) => "ns/op" in values);
    const item = run.cases.find(({ id }) => id === "bridge:4/flood");
    expect(lines.map(({ values }) => values["ns/op"])).toEqual(item?.metrics.ns_per_frame?.samples);
    expect(lines.map(({ values }) => values["frame_rate-frames/s"])).toEqual(
      item?.metrics.frame_rate?.samples,
    );
    expect(Object.keys(lines[0]?.values ?? {})).toEqual([
      "ns/op",
      "frame_rate-frames/s",
      "copy_rate-frames/s",
    ]);
  });

  test("loses no case, and says which way is better", () => {
    const ids = new Set(results.map(({ keys }) => `${keys.topology}/${keys.workload}`));
    expect([...ids]).toEqual(run.cases.map(({ id }) => id));
    expect(better).toMatchObject({ "ns/op": "lower", "frame_rate-frames/s": "higher" });
    const units = new Set(results.flatMap(({ values }) => Object.keys(values)));
    expect(Object.keys(better).toSorted()).toEqual([...units].toSorted());
  });

  test("counts frames as iterations, and never none", () => {
    expect(results.filter(({ iterations }) => !(iterations >= 1))).toEqual([]);
    const [first] = of(results, "veth", "send");
    const item = run.cases.find(({ id }) => id === "veth/send");
    const [rate = 0] = item?.metrics.frame_rate?.samples ?? [];
    const round = item?.rounds.find(({ side }) => side === "off");
    expect(first?.iterations).toBe(Math.round((rate * (round?.durationNs ?? 0)) / 1e9));
    expect(first?.iterations).toBeGreaterThan(10_000);
    expect(of(results, "netns", "udp-rr")[0]?.iterations).toBe(17);
  });

  test("names machine and kernel, and nothing that changes from run to run", () => {
    expect(results[0]?.config).toEqual({
      goos: "linux",
      pkg: "bridgescope",
      cpu: run.environment.cpu.model,
      kernel: run.environment.kernel.release,
    });
    const later = {
      ...run,
      id: "later",
      startedAt: "2027-01-01T00:00:00Z",
      provenance: { ...run.provenance, seed: 1, argv: ["bridgescope", "bench", "a: b\nc: d"] },
    };
    expect(resultsOf(later)).toEqual(results);
    expect(results[0]).toMatchObject({ base: "Bridge", gomaxprocs: "2" });
  });
});

test("the architecture is Go's", () => {
  const run = completeRun();
  run.environment.cpu.architecture = "x64";
  expect(resultsOf(run)[0]?.config.goarch).toBe("amd64");
  run.environment.cpu.architecture = "arm64";
  expect(resultsOf(run)[0]?.config.goarch).toBe("arm64");
});

test("rounds that were discarded are left out", () => {
  const lines = of(resultsOf(completeRun()), "bridge:4,nf_call=1", "udp-rr");
  const samples = completeRun().cases[4]?.metrics.rtt_p50?.samples ?? [];
  expect(lines.map(({ values }) => values["rtt_p50-ns"])).toEqual(samples.toSpliced(7, 1));
});

test("cases that failed are left out, and that is said; interrupted ones stay", () => {
  const text = renderGobench(interruptedRun());
  const failed = interruptedRun().cases.find(({ state }) => state === "failed");
  expect(failed?.id).toBe("bridge:8/flood");
  expect(of(parseGoBenchmarks(text).results, "bridge:8", "flood")).toEqual([]);
  expect(text).toContain("# Cases that failed are left out.");
  const broken = flood(4);
  const failure = renderGobench(withCase({ ...broken, state: "failed" }));
  expect(parseGoBenchmarks(failure).results).toEqual([]);
  const kept = renderGobench(withCase({ ...broken, state: "interrupted" }));
  expect(parseGoBenchmarks(kept).results).toHaveLength(24);
});

test("counted runs have instructions alone, stages too", () => {
  const text = renderGobench(bookwormRun());
  const { results, better } = parseGoBenchmarks(text);
  expect(Object.keys(better).filter((unit) => !unit.endsWith("-instructions"))).toEqual([]);
  const stage = of(results, "bridge:4", "forward").map(
    (one) => one.values["bridge.forward-instructions"],
  );
  expect(stage).toEqual([
    1331, 1331, 1381, 1331, 1331, 1331, 1331, 1331, 1331, 1281, 1381, 1331, 1381, 1381, 1331,
  ]);
  expect(text).toContain("instructions, not time");
});

test("times under TCG are not exported, and the text says why", () => {
  const text = renderGobench(tcgRun());
  expect(parseGoBenchmarks(text).results).toEqual([]);
  expect(text).toContain("no time and no rate of this run means anything");
});

describe("hostile names", () => {
  const hostile = (id: string) =>
    resultsOf({ ...hostileRun(), cases: [{ ...flood(4), id, topology: id }] });
  const idOf = ({ keys }: GoResult) =>
    [keys.topology, keys.workload]
      .flatMap((part) => (part === undefined ? [] : decodeURIComponent(part)))
      .join("/");

  test("stay one name, in a run where everything is hostile", () => {
    const run = hostileRun();
    const [item] = run.cases;
    if (item === undefined) throw new Error("fixture");
    const results = resultsOf({ ...run, cases: [{ ...item, state: "complete" }] });
    expect(results.length).toBeGreaterThan(20);
    expect(new Set(results.map(idOf))).toEqual(new Set([wellFormed(item.id)]));
  });

  test.each([
    "labs/mine.yaml/forward",
    "attach:/run/netns/a,/run/netns/b/udp-rr",
    "bridge:4/learn-16",
    "bridge:4/a=b/side=x",
    "no slash at all",
    "bridge:4/100%/a%20b,%2F",
    'bridge:4/"quoted" \\ (x OR y)',
    "goos: plan9\nBenchmarkOther 1 1 ns/op",
    "bridge:4/x\u2028y\u00a0z\u202e",
  ])("%j", (id) => {
    const results = hostile(id);
    expect(new Set(results.map(idOf))).toEqual(new Set([id]));
    expect(results).toHaveLength(24);
    expect(new Set(results.map(({ gomaxprocs }) => gomaxprocs))).toEqual(new Set(["2"]));
    // Inside the quotes of a -filter nothing has to be escaped.
    expect(Object.values(results[0]?.keys ?? {}).join("")).toMatch(/^[A-Za-z0-9._:,=+%-]*$/);
  });

  test("of any kind can be read back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 30 }), (id) => {
        const results = hostile(id);
        expect(results).toHaveLength(24);
        expect(new Set(results.map(idOf))).toEqual(new Set([wellFormed(id)]));
      }),
      { numRuns: 50 },
    );
  });

  test("of metrics and units are one unit each", () => {
    const item = flood(4);
    const samples = item.rounds.map(() => 7);
    const run = withCase({
      metrics: {
        "a b": { unit: "m s", better: "lower", samples },
        "a%20b": { unit: "m s", better: "higher", samples },
        ns_per_frame: { unit: "µs", better: "lower", samples },
      },
    });
    expect(parseGoBenchmarks(renderGobench(run)).better).toEqual({
      "ns_per_frame-%C2%B5s": "lower",
      "a%20b-m%20s": "lower",
      "a%2520b-m%20s": "higher",
    });
  });
});

/** A surrogate without its other half has no UTF-8, and is written as the sign for that. */
function wellFormed(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text));
}
