import { describe, expect, test } from "vitest";
import type { Latency, Run } from "../../../src/document/run.ts";
import { renderComparisonHtml } from "../../../src/report/comparison/html.ts";
import { compareRuns } from "../../../src/stats/compare/runs.ts";
import { type Bucket, total } from "../../../src/stats/histogram.ts";
import { bookwormRun, tcgRun, trixieRun } from "../../fixtures/report/kernels.ts";
import { pairedRuns } from "../../fixtures/report/paired.ts";
import { completeRun } from "../../fixtures/report/runs.ts";

function passages(run: Run): number {
  return run.cases.reduce(
    (sum, { latency }) =>
      sum + Object.values(latency).reduce((all, { raw }) => all + total(raw.buckets), 0),
    0,
  );
}

const NOTHING_TAKEN: Partial<Latency> = { observer: { value: 0, ci: [0, 0], method: "" } };

/** A case of the run alone, its first stage with these buckets, and no other. */
function withBuckets(run: Run, id: string, buckets: Bucket[] | null): Run {
  const item = run.cases.find((one) => Object.keys(one.latency).length > 0);
  const stages = Object.entries(item?.latency ?? {});
  const [stage, latency] = stages[0] ?? [];
  if (item === undefined || stage === undefined || latency === undefined)
    throw new Error("fixture");
  return {
    ...run,
    id,
    cases: [
      {
        ...item,
        latency:
          buckets === null
            ? {}
            : { [stage]: { ...latency, ...NOTHING_TAKEN, raw: { ...latency.raw, buckets } } },
      },
    ],
  };
}

const ones = (count: number, from: number): Bucket[] =>
  Array.from({ length: count }, (_, index) => [from + index, from + index + 1, 1]);

describe("distributions on one grid", () => {
  const run = completeRun();
  const of = (base: Bucket[] | null, candidate: Bucket[] | null) =>
    (
      compareRuns(withBuckets(run, "a", base), withBuckets(run, "b", candidate)).distributions ?? []
    ).map(({ buckets }) => buckets);

  test("are as they were measured where they can be drawn so", () => {
    expect(of(ones(48, 100), ones(3, 120))).toEqual([ones(48, 100), ones(3, 120)]);
  });

  test("are in 48 logarithmic steps from the least to the largest of both sides, where not", () => {
    const fine = ones(200, 100);
    const [steps = [], other] = of(fine, [[600, 800, 7]]);
    expect(other).toEqual([[600, 800, 7]]);
    expect(total(steps)).toBe(200);
    for (const [lo, hi, count] of steps) {
      const middles = fine.map(([from, to]) => (from + to) / 2);
      expect(middles.filter((middle) => middle >= lo && middle < hi)).toHaveLength(count);
      expect(hi / lo).toBeCloseTo(8 ** (1 / 48), 9);
      const step = (Math.log(lo / 100) / Math.log(8)) * 48;
      expect(step).toBeCloseTo(Math.round(step), 6);
    }
    expect(steps[0]?.[0]).toBeCloseTo(100, 9);
  });

  test("reach from 1 on, up to and with the largest", () => {
    const [steps = []] = of([...ones(60, 0), [63, 64, 5]], [[0, 1, 1]]);
    expect(steps[0]?.[0]).toBe(1);
    expect(steps.at(-1)?.[1]).toBeCloseTo(64, 9);
    expect(total(steps)).toBe(65);
  });

  test("have what the probes took out of each value, and none where that is withheld", () => {
    const same = (some: Partial<Latency>) => {
      const run = withBuckets(completeRun(), "a", ones(3, 100));
      for (const one of Object.values(run.cases[0]?.latency ?? {})) Object.assign(one, some);
      return compareRuns(run, { ...run, id: "b" }).distributions?.map(({ buckets }) => buckets);
    };
    const observer = { value: 40, ci: [40, 40] as [number, number], method: "" };
    expect(same({ observer })).toEqual([ones(3, 60), ones(3, 60)]);
    expect(same({ observer, withheld: "it varied" })).toEqual([]);
    expect(same({ observer: null })).toEqual([]);
  });

  test("are none of a stage that one side did not time, or timed without a passage", () => {
    for (const none of [null, []]) {
      expect(of(none, ones(3, 100))).toEqual([]);
      expect(of(ones(3, 100), none)).toEqual([]);
    }
  });
});

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
      "No stage has net times on both sides",
    );
  });

  test("are drawn by stage and side", () => {
    const page = renderComparisonHtml(compareRuns(completeRun(), { ...completeRun(), id: "b" }));
    expect(page).toContain("Latency by stage and side in bridge:4/forward");
    expect(page).toMatch(/<title>bridge\.forward, b: p10 [\d.]+ ns, p50 [\d.]+ ns, p90/);
  });
});
