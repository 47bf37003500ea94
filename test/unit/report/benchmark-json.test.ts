import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Run } from "../../../src/document/run.ts";
import {
  renderBenchmarkJson,
  renderBenchmarkJsonBigger,
} from "../../../src/report/exports/benchmark-json.ts";
import { bookwormRun, tcgRun } from "../../fixtures/report/kernels.ts";
import { watched } from "../../fixtures/report/parts.ts";
import { completeRun, flood, hostileRun, interruptedRun } from "../../fixtures/report/runs.ts";

/** What github-action-benchmark reads of each (its extract.ts and extractRangeInfo.ts). */
const entries = z.array(
  z.strictObject({
    name: z.string().min(1),
    unit: z.string(),
    value: z.number(),
    range: z.string().refine((text) => {
      const [, number = "x"] = /^± ?(\d.*)$/.exec(text) ?? [];
      return !Number.isNaN(Number(number));
    }),
    extra: z.string(),
  }),
);

const smaller = (run: Run) => entries.parse(JSON.parse(renderBenchmarkJson(run)));
const bigger = (run: Run) => entries.parse(JSON.parse(renderBenchmarkJsonBigger(run)));

describe("a run with rounds of three kinds", () => {
  const run = { ...completeRun(), cases: completeRun().cases.map(watched) };

  test("is parted by direction, and loses no metric", () => {
    const names = (better: string) =>
      run.cases.flatMap((item) =>
        Object.entries(item.metrics)
          .filter(([, metric]) => metric.better === better)
          .map(([name]) => `${item.id} ${name}`),
      );
    const of = (list: { name: string }[]) => list.map(({ name }) => name).toSorted();
    expect(of(smaller(run))).toEqual(names("lower").toSorted());
    expect(of(bigger(run))).toEqual(names("higher").toSorted());
    expect(names("lower")).toContain("bridge:4/flood ns_per_frame");
  });

  test("gives the median, half the distance between quartiles, and where it is from", () => {
    const item = run.cases.find(({ id }) => id === "veth/send");
    const samples = [830, 800, 810, 840, 820];
    item?.rounds.splice(7);
    Object.assign(item?.metrics.ns_per_frame ?? {}, { samples });
    // Five rounds of seven: the quartiles are the second and the fourth.
    const sides = item?.rounds.map(({ side }) => side);
    expect(sides).toEqual(["off", "count", "time", "off", "off", "off", "off"]);
    const [lower, median, upper] = [810, 820, 830];
    const found = smaller(run).find(({ name }) => name === "veth/send ns_per_frame");
    expect(found).toMatchObject({ unit: "ns", value: median });
    expect(Number(found?.range.slice(2))).toBe(Number(((upper - lower) / 2).toPrecision(3)));
    expect(found?.extra.split("\n")).toEqual([
      `5 rounds, ${lower.toFixed(0)} .. ${upper.toFixed(0)} ns`,
      `Linux ${run.environment.kernel.release}`,
      `run ${run.id}`,
    ]);
  });
});

test("discarded rounds do not count", () => {
  const run = { ...completeRun(), cases: [flood(4)] };
  const [item] = run.cases;
  if (item === undefined) throw new Error("fixture");
  item.rounds = item.rounds.map((one) => ({
    ...one,
    discarded: one.index === 0 ? "stolen" : null,
  }));
  const samples = item.rounds.map((_, index) => (index === 0 ? 1e9 : 100));
  item.metrics = { ns_per_frame: { unit: "ns", better: "lower", samples } };
  expect(smaller(run)[0]).toMatchObject({ value: 100, range: "± 0" });
});

test("counted runs have instructions alone: the mode, and what boots disagree on", () => {
  const found = smaller(bookwormRun());
  expect(new Set(found.map(({ unit }) => unit))).toEqual(new Set(["instructions"]));
  const stage = found.find(({ name }) => name === "bridge:4/forward bridge.forward");
  expect(stage).toMatchObject({ value: 1331, range: "± 25" });
  expect(bigger(bookwormRun())).toEqual([]);
});

test("what failed, and times under TCG, are no points of a curve", () => {
  const ids = smaller(interruptedRun()).map(({ name }) => name.split(" ")[0]);
  expect(ids).not.toContain("bridge:8/flood");
  const [item] = completeRun().cases;
  if (item === undefined) throw new Error("fixture");
  expect(smaller({ ...completeRun(), cases: [{ ...item, state: "failed" }] })).toEqual([]);
  expect(
    smaller({ ...completeRun(), cases: [{ ...item, state: "interrupted" }] })[0]?.extra,
  ).toContain("the case was interrupted");
  expect(smaller(tcgRun())).toEqual([]);
});

test("hostile names stay in their cell, and are told apart", () => {
  const run = hostileRun();
  const cases = run.cases.map((item) => ({ ...item, state: "complete" as const }));
  const found = smaller({ ...run, cases });
  expect(found.length).toBeGreaterThan(1);
  expect(found.filter(({ name }) => !/^[A-Za-z0-9._:,=+/ %-]+$/.test(name))).toEqual([]);
  expect(new Set(found.map(({ name }) => name)).size).toBe(found.length);
  expect(found.filter(({ unit, extra }) => /[^\P{C}\n]/u.test(unit + extra))).toEqual([]);
});
