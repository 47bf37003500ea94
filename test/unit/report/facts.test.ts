import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { digest, findingsOf } from "../../../src/report/facts/findings.ts";
import { headlinesOf, seriesOf } from "../../../src/report/facts/metrics.ts";
import { slowdownOf } from "../../../src/report/facts/observing.ts";
import { resultOf } from "../../../src/report/facts/result.ts";
import { METHODS } from "../../../src/report/facts/words.ts";
import { MOST_OFF } from "../../../src/stats/histogram.ts";
import { probe } from "../../fixtures/report/parts.ts";
import { flood, forward, largeRun } from "../../fixtures/report/runs.ts";

describe("headlines", () => {
  test("come from the rounds with probes off where both were measured", () => {
    const item = flood(4);
    const rounds = item.rounds.map((round, index) => ({
      ...round,
      side: index % 2 === 0 ? "on" : "off",
    }));
    const metrics = {
      ns_per_frame: {
        unit: "ns",
        better: "lower" as const,
        samples: rounds.map((r) => (r.side === "on" ? 300 : 200)),
      },
    };
    const [headline, ...others] = headlinesOf({ ...item, rounds, metrics });
    expect(headline?.side).toBe("off");
    expect(headline?.spread?.median).toBe(200);
    expect(others).toEqual([]);
    expect(seriesOf({ ...item, rounds, metrics }).map((one) => one.side)).toEqual(["on", "off"]);
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
    "$id has times with probes on in a sentence of their own",
    (item) => {
      const text = resultOf(item)?.text ?? "";
      const unobserved = resultOf({ ...item, latency: {} })?.text ?? "";
      expect(unobserved).toMatch(/CPU time a frame .*rounds\)\.$/);
      expect(unobserved).not.toContain("probes on");
      expect(text.startsWith(`${unobserved} Median `)).toBe(true);
      expect(text).toMatch(/, probes on\.$/);
    },
  );

  test("goes from namespace to namespace only where there are two", () => {
    const { bridge: _, ...item } = forward(2);
    expect(resultOf(item)?.text).toContain("µs from namespace to namespace, probes on.");
    const loopback = item.lab.ports
      .slice(0, 1)
      .map((port) => ({ ...port, name: "lo", namespace: "h1", peer: null }));
    const netns = { ...item, lab: { ...item.lab, bridge: null, ports: loopback } };
    expect(resultOf(netns)?.text).toContain(
      "µs from transmit to receive within one namespace, probes on.",
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

describe("what probes did to a workload", () => {
  const slowdown = (metric: string, ratio: number, ci: [number, number]) => {
    const item = forward(4);
    const overhead = { metric, on: [], off: [], ratio, ci, method: "" };
    return slowdownOf({ ...item, probe: probe({ overhead }) });
  };

  test("is a factor of its time", () => {
    expect(slowdown("ns_per_frame", 2.4385, [2.17, 3.128])).toBe(
      "with probes 2.44x slower (2.17 .. 3.13)",
    );
  });

  test("is the inverse of a rate's", () => {
    expect(slowdown("frame_rate", 0.25, [0.2, 0.5])).toBe("with probes 4x slower (2 .. 5)");
  });

  test("is not called slower where the interval holds no change", () => {
    expect(slowdown("ns_per_frame", 1.02, [0.97, 1.08])).toBe(
      "with probes 1.02x the time (0.970 .. 1.08)",
    );
  });

  test("is not known where the run did not measure it", () => {
    expect(slowdownOf({ ...forward(4), probe: probe({ overhead: null }) })).toBeNull();
  });
});

test("reports and docs promise of percentiles what the histogram has", () => {
  const share = `${(MOST_OFF * 100).toFixed(1)} %`;
  const method = METHODS.find(({ term }) => term === "Stage latency")?.text;
  expect(method).toContain(`within ${share} of the true value`);
  expect(readFileSync("docs/read-a-report.md", "utf8")).toContain(`they are within ${share}`);
  expect(readFileSync("ARCHITECTURE.md", "utf8")).toContain(`a percentile is off by ${share}`);
});
