import { describe, expect, test } from "vitest";
import { isSound } from "../../../src/bench/fold/faults.ts";
import type { Latency } from "../../../src/document/run.ts";
import { digest, findingsOf } from "../../../src/report/facts/findings.ts";
import {
  headlineOf,
  netBuckets,
  netTimes,
  notesOf,
  timeCheckOf,
} from "../../../src/report/facts/latency.ts";
import { headlinesOf } from "../../../src/report/facts/metrics.ts";
import { slowdownOf } from "../../../src/report/facts/observing.ts";
import { resultOf } from "../../../src/report/facts/result.ts";
import { bucketQuantile } from "../../../src/stats/histogram.ts";
import { latency, probe, timeCheck, watched, withheldBy } from "../../fixtures/report/parts.ts";
import { completeRun, flood, forward, largeRun } from "../../fixtures/report/runs.ts";

describe("headlines", () => {
  test("are of rounds without probes, whatever was counted and timed between them", () => {
    const item = watched(flood(4));
    const off = item.rounds.filter(({ side }) => side === "off");
    expect(off).toHaveLength(24);
    expect(item.rounds.length).toBeGreaterThan(24);
    const samples = off.map(({ index }) => index);
    const metrics = { ns_per_frame: { unit: "ns", better: "lower" as const, samples } };
    const [headline, ...others] = headlinesOf({ ...item, metrics });
    expect(headline?.samples.map(({ round, value }) => [round, value])).toEqual(
      samples.map((index) => [index, index]),
    );
    expect(others).toEqual([]);
  });

  test("leave discarded rounds out, whether or not their samples were kept", () => {
    const item = flood(4);
    const rounds = item.rounds.map((round, index) => ({
      ...round,
      discarded: index === 0 ? "stolen" : null,
    }));
    const of = (samples: number[]) =>
      headlinesOf({
        ...item,
        rounds,
        metrics: { ns_per_frame: { unit: "ns", better: "lower", samples } },
      })[0]?.spread;
    expect(of(rounds.map((_, index) => (index === 0 ? 9000 : 100)))?.max).toBe(100);
    expect(of(rounds.slice(1).map(() => 100))?.n).toBe(23);
  });

  test("show frame loss beside the others only where there is some", () => {
    const item = forward(4);
    expect(headlinesOf(item).map((one) => one.metric)).toEqual(["ns_per_frame", "frame_rate"]);
    const loss = item.metrics.frame_loss;
    if (loss !== undefined) loss.samples[3] = 0.02;
    expect(headlinesOf(item).map((one) => one.metric)).toContain("frame_loss");
  });
});

describe("the answer of a case", () => {
  test("says every frame only when nothing is missing", () => {
    const item = flood(4);
    expect(resultOf(item)?.text).toMatch(/^every frame became 3 copies\. /);
    if (item.bridge !== undefined) item.bridge.unattributed = 1;
    expect(resultOf(item)?.text).toContain("100,000 frames became 300,000 copies (3 each)");
  });

  test.each([forward(4), flood(4)])(
    "$id has its stage net, and with its interval's mean",
    (item) => {
      const text = resultOf(item)?.text ?? "";
      const unobserved = resultOf({ ...item, latency: {} })?.text ?? "";
      expect(unobserved).toMatch(/CPU time a frame .*rounds\)\.$/);
      expect(text.startsWith(`${unobserved} Mean `)).toBe(true);
      expect(text).toMatch(/, net of the probes\.$/);
    },
  );

  test("says why a stage has no net time, and gives no other in its place", () => {
    const item = withheldBy(forward(4), "nothing tells");
    const unobserved = resultOf({ ...item, latency: {} })?.text ?? "";
    expect(resultOf(item)?.text).toBe(
      `${unobserved} The time from ingress to the egress queue is withheld: nothing tells.`,
    );
  });

  test("goes from namespace to namespace only where there are two", () => {
    const { bridge: _, ...item } = forward(2);
    expect(resultOf(item)?.text).toContain("µs from namespace to namespace, net of the probes.");
    const loopback = item.lab.ports
      .slice(0, 1)
      .map((port) => ({ ...port, name: "lo", namespace: "h1", peer: null }));
    const netns = { ...item, lab: { ...item.lab, bridge: null, ports: loopback } };
    expect(resultOf(netns)?.text).toContain(
      "µs from transmit to receive within one namespace, net of the probes.",
    );
  });

  test("is silent where nothing was measured", () => {
    const { bridge: _, ...item } = flood(4);
    expect(resultOf({ ...item, latency: {}, metrics: {} })).toBeNull();
  });
});

test("a digest says how much of each kind it left out", () => {
  const findings = findingsOf(largeRun(10)).filter(({ level }) => level === "result");
  const { shown, left } = digest(findings, 4);
  expect(shown).toHaveLength(4);
  expect(left).toEqual([{ kind: "result", count: 6 }]);
});

describe("what counting did to a workload", () => {
  const slowdown = (value: number, ci: [number, number]) => {
    const found = { metric: "frame_rate", value, ci, method: "" };
    return slowdownOf({ ...forward(4), probe: probe({ slowdown: found }) });
  };

  test("is a factor of its time, of a rate's inverse too", () => {
    expect(slowdown(2.4385, [2.17, 3.128])).toBe(
      "2.44x slower (2.17 .. 3.13) while everything was counted",
    );
  });

  test("is not called slower where the interval holds no change", () => {
    expect(slowdown(1.02, [0.97, 1.08])).toBe(
      "1.02x the time (0.970 .. 1.08) while everything was counted",
    );
  });

  test("is not known where the run did not measure it", () => {
    expect(slowdownOf({ ...forward(4), probe: probe({ slowdown: null }) })).toBeNull();
  });
});

describe("a stage", () => {
  const known = { value: 500, ci: [490, 510] as [number, number], method: "" };
  const one = (raw: number, some: Partial<Latency> = {}): Latency => {
    const found = latency(1, 1000);
    return { ...found, raw: { ...found.raw, p50: raw }, observer: known, ...some };
  };

  test("says so where the probes are more than half of what was measured, and only there", () => {
    const [half] = notesOf(one(999));
    expect(half).toBe("more than half of what was measured is the probes' own");
    expect(notesOf(one(1000))).toEqual([]);
    expect(notesOf(one(900, { withheld: "too few" }))).toEqual(["net times withheld: too few"]);
  });

  test("has its net mean as headline, the median of one session, and nothing where withheld", () => {
    const found = latency(1, 1000);
    const { value, ci } = found.estimate ?? expect.fail();
    expect(headlineOf(found)).toEqual({ value, ci, words: "mean" });
    expect(headlineOf({ ...found, estimate: null })).toEqual({
      ...{ value: found.p50, ci: null, words: "median" },
    });
    expect(headlineOf({ ...found, withheld: "x" })).toBeNull();
    expect(netTimes({ ...found, withheld: "x" })).toBeNull();
  });

  test("has a net histogram whose percentiles are its net ones", () => {
    const found = latency(1, 1000);
    const buckets = netBuckets(found) ?? expect.fail();
    expect(bucketQuantile(buckets, 0.5)).toBeCloseTo(found.p50 ?? Number.NaN, 6);
    expect(bucketQuantile(buckets, 0.9)).toBeCloseTo(found.p90 ?? Number.NaN, 6);
    expect(netBuckets({ ...found, withheld: "x" })).toBeNull();
    expect(netBuckets({ ...found, observer: null })).toBeNull();
  });
});

describe("a time check", () => {
  const check = (unobserved: number) =>
    timeCheckOf({ ...forward(4), timeCheck: timeCheck(forward(4).latency, WAY, unobserved) });
  const WAY = { "veth.in": 1, "bridge.forward": 1, "veth.out": 1 };

  test("is a line: the sum, the whole, the ratio with its interval, and the verdict", () => {
    expect(check(1840)).toEqual({
      passed: true,
      text: expect.stringMatching(
        /^stages 1\.4\d µs \(veth\.in \+ bridge\.forward \+ veth\.out\) of 1\.84 µs unobserved, 0\.7\d+ \(0\.7\d+ \.\. 0\.\d+\): passed$/,
      ),
    });
    expect(check(1000)).toEqual({
      passed: false,
      text: expect.stringMatching(
        /unobserved, 1\.4\d \(.*\): FAILED: the stages come to 14\d % of/,
      ),
    });
  });

  test("says why it has no verdict, and is none where nothing was timed", () => {
    const none = { unobserved: null, stages: {}, sum: null, ratio: null, ci: null, passed: null };
    const timeCheck = { ...none, reason: "path: not timed" };
    expect(timeCheckOf({ ...forward(4), timeCheck })?.text).toBe("no verdict: path: not timed");
    const { timeCheck: _, ...item } = forward(4);
    expect(timeCheckOf(item)).toBeNull();
  });

  test("that failed is an alarm, and its run is not sound", () => {
    const run = { ...completeRun(), cases: [forward(4)] };
    expect(isSound(run)).toBe(true);
    const [item] = run.cases;
    if (item !== undefined) item.timeCheck = timeCheck(item.latency, WAY, 1000);
    expect(isSound(run)).toBe(false);
    const found = findingsOf(run).filter(({ level }) => level === "alarm");
    expect(found).toMatchObject([
      { kind: "time check", about: "bridge:4/forward", text: expect.stringMatching(/withheld$/) },
    ]);
    if (item?.timeCheck !== undefined) item.timeCheck.passed = null;
    expect(isSound(run)).toBe(true);
    expect(findingsOf(run).some(({ kind }) => kind === "time check")).toBe(false);
  });
});
