import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { digest, findingsOf } from "../../../src/report/facts/findings.ts";
import { headlinesOf, seriesOf } from "../../../src/report/facts/metrics.ts";
import { resultOf } from "../../../src/report/facts/result.ts";
import { METHODS } from "../../../src/report/facts/words.ts";
import { MOST_OFF } from "../../../src/stats/histogram.ts";
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
    expect(resultOf(item)?.text).toContain("every frame became 3 copies, median 2.12 µs");
    if (item.bridge !== undefined) item.bridge.unattributed = 1;
    expect(resultOf(item)?.text).toContain("100,000 frames became 300,000 copies (3 each)");
  });

  test("goes from namespace to namespace only where there are two", () => {
    const { bridge: _, ...item } = forward(2);
    expect(resultOf(item)?.text).toContain("µs from namespace to namespace;");
    const loopback = item.lab.ports
      .slice(0, 1)
      .map((port) => ({ ...port, name: "lo", namespace: "h1", peer: null }));
    const netns = { ...item, lab: { ...item.lab, bridge: null, ports: loopback } };
    expect(resultOf(netns)?.text).toContain("µs from transmit to receive within one namespace;");
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

test("reports and docs promise of percentiles what the histogram has", () => {
  const share = `${(MOST_OFF * 100).toFixed(1)} %`;
  const method = METHODS.find(({ term }) => term === "Stage latency")?.text;
  expect(method).toContain(`within ${share} of the true value`);
  expect(readFileSync("docs/read-a-report.md", "utf8")).toContain(`they are within ${share}`);
  expect(readFileSync("ARCHITECTURE.md", "utf8")).toContain(`a percentile is off by ${share}`);
});
