import { describe, expect, test } from "vitest";
import type { Run } from "../../../src/document/run.ts";
import { renderComparisonHtml } from "../../../src/report/comparison/html.ts";
import { compareRuns } from "../../../src/stats/compare/runs.ts";
import { total } from "../../../src/stats/histogram.ts";
import { bookwormRun, tcgRun, trixieRun } from "../../fixtures/report/kernels.ts";
import { pairedRuns } from "../../fixtures/report/paired.ts";
import { completeRun } from "../../fixtures/report/runs.ts";

function passages(run: Run): number {
  return run.cases.reduce(
    (sum, { latency }) =>
      sum + Object.values(latency).reduce((all, { buckets }) => all + total(buckets), 0),
    0,
  );
}

describe("distributions of a comparison", () => {
  const [base, candidate] = [bookwormRun(), trixieRun()];
  const compared = compareRuns(base, candidate);
  const all = compared.distributions ?? [];

  test("have every passage of a stage that both sides timed", () => {
    const same = compareRuns(base, { ...base, id: "again" }).distributions ?? [];
    const of = (side: string) => same.filter((one) => one.side === side);
    const sum = (list: typeof all) => list.reduce((n, { buckets }) => n + total(buckets), 0);
    const [first = "", second = ""] = [...new Set(same.map(({ side }) => side))];
    expect(sum(of(first))).toBe(passages(base));
    expect(of(first).map(({ buckets }) => buckets)).toEqual(of(second).map((one) => one.buckets));
  });

  test("have both sides of each, in steps that can be drawn", () => {
    const keys = all.map((one) => `${one.case} ${one.stage}`);
    for (const key of new Set(keys)) expect(keys.filter((one) => one === key)).toHaveLength(2);
    for (const { buckets } of all) {
      expect(buckets.length).toBeLessThanOrEqual(48);
      expect(
        buckets.every(([lo, hi], at) => hi > lo && lo >= (buckets[at - 1]?.[1] ?? 0) - 1e-6),
      ).toBe(true);
    }
  });

  test("leave out what one side alone has", () => {
    const [, ...rest] = base.cases;
    const without = compareRuns({ ...base, cases: rest }, candidate).distributions ?? [];
    expect(without.some((one) => one.case === base.cases[0]?.id)).toBe(false);
    expect(without.length).toBeGreaterThan(0);
  });

  test("are none of times that mean nothing, and none of pairs", () => {
    const tcg = tcgRun();
    expect(compareRuns(tcg, { ...tcg, id: "again" }).distributions).toEqual([]);
    const [one, other] = pairedRuns({ ratios: [1] });
    expect(compareRuns(one, other).distributions).toEqual([]);
    expect(renderComparisonHtml(compareRuns(one, other))).toContain(
      "No stage was timed on both sides",
    );
  });

  test("are drawn by stage and side", () => {
    const page = renderComparisonHtml(compareRuns(completeRun(), { ...completeRun(), id: "b" }));
    expect(page).toContain("Latency by stage and side in bridge:4/forward");
    expect(page).toMatch(/<title>bridge\.forward, b: p50 [\d.]+ µs, p90/);
  });
});
