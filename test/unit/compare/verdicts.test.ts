import { describe, expect, test } from "vitest";
import { type Comparison, compareSchema } from "../../../src/document/compare.ts";
import type { Run } from "../../../src/document/run.ts";
import { compareRuns } from "../../../src/stats/compare/runs.ts";
import {
  bookwormRun,
  NUMBERS_6_1,
  NUMBERS_6_12,
  tcgRun,
  trixieRun,
} from "../../fixtures/report/kernels.ts";
import { completeRun } from "../../fixtures/report/runs.ts";

function verdictOf(comparison: Comparison, item: string, metric: string) {
  const found = comparison.verdicts.find((one) => one.case === item && one.metric === metric);
  return found ?? expect.fail(`no verdict for ${item} ${metric}`);
}

describe("in counted time", () => {
  const comparison = compareRuns(bookwormRun(), trixieRun());

  test("the document is valid, and JSON keeps it", () => {
    expect(compareSchema.parse(JSON.parse(JSON.stringify(comparison)))).toEqual(comparison);
  });

  test("values are modes, intervals what boots disagree on", () => {
    expect(verdictOf(comparison, "bridge:4/forward", "bridge.forward")).toMatchObject({
      unit: "instructions",
      baseValue: 1331,
      baseCi: [1331, 1381],
      candidateValue: 1311,
      candidateCi: [1311, 1369],
      ratio: 1311 / 1331,
      ci: [1311 / 1381, 1369 / 1331],
      beyond: false,
      p: null,
      margin: 0.002,
      verdict: "inconclusive",
    });
  });

  test("more instructions are a regression, fewer an improvement, beyond the intervals only", () => {
    const flood = verdictOf(comparison, "bridge:4/flood", "bridge.flood");
    expect(flood).toMatchObject({ verdict: "regression", beyond: true });
    expect(flood.reason).toMatch(/^more instructions.*no test was made/);
    const learn = verdictOf(comparison, "bridge:4/flood", "bridge.learn");
    expect(learn.verdict).toBe("improvement");
    expect(learn.reason).toMatch(/^fewer instructions/);
    expect(verdictOf(comparison, "bridge:4/forward", "bridge.lookup").verdict).toBe("unchanged");
  });

  test("less than one instruction is not called visible", () => {
    const lookup = verdictOf(comparison, "bridge:4/forward", "bridge.lookup");
    expect(lookup.smallestVisible).toBeCloseTo(1 / 96, 9);
  });

  test("a wider margin leaves a change unchanged", () => {
    const wide = compareRuns(bookwormRun(), trixieRun(), { margin: 0.02 });
    expect(verdictOf(wide, "bridge:4/flood", "bridge.flood").verdict).toBe("unchanged");
  });

  test("a kernel against itself is unchanged or inconclusive, and never a regression", () => {
    const same = compareRuns(bookwormRun(), { ...bookwormRun(), id: "again" });
    const verdicts = new Set(same.verdicts.map((one) => one.verdict));
    expect([...verdicts].sort()).toEqual(["inconclusive", "unchanged"]);
    expect(same.base.label).toBe("debian:bookworm (20261124T030000Z-0601)");
    expect(same.candidates[0]?.label).toBe("debian:bookworm (again)");
  });

  test("a planted extra of 8 instructions is found, with its size", () => {
    const flood = NUMBERS_6_1.flood.map((boot) => boot.map((value) => value + 8));
    const found = verdictOf(
      compareRuns(bookwormRun(), bookwormRun({ ...NUMBERS_6_1, flood })),
      "bridge:4/flood",
      "bridge.flood",
    );
    expect(found.verdict).toBe("regression");
    expect(found.candidateValue - found.baseValue).toBe(8);
  });

  test("a stage that one side lacks is listed with its reason", () => {
    expect(comparison.unmatched).toEqual([
      {
        case: "bridge:4/forward",
        candidate: "debian:trixie",
        metric: "veth.in",
        only: "base",
        reason: "netif_rx attaches but never fires on this kernel",
      },
    ]);
  });

  test("boots that could lie apart by chance are warned of", () => {
    expect(comparison.warnings.join()).toContain("3 and 3 boots");
    const five = (numbers: typeof NUMBERS_6_1) => ({
      ...numbers,
      forward: [...numbers.forward, ...numbers.forward.slice(0, 2)],
    });
    const more = compareRuns(bookwormRun(five(NUMBERS_6_1)), trixieRun(five(NUMBERS_6_12)));
    expect(more.warnings).toEqual([]);
  });

  test("one boot carries no verdict", () => {
    const single = (numbers: typeof NUMBERS_6_1) =>
      Object.fromEntries(
        Object.entries(numbers).map(([name, boots]) => [name, boots.slice(0, 1)]),
      ) as unknown as typeof NUMBERS_6_1;
    const one = compareRuns(bookwormRun(single(NUMBERS_6_1)), trixieRun());
    expect(new Set(one.verdicts.map((verdict) => verdict.verdict))).toEqual(
      new Set(["inconclusive"]),
    );
    expect(one.warnings.join()).toContain("One boot cannot carry a verdict (debian:bookworm)");
    expect(verdictOf(one, "bridge:4/forward", "bridge.forward").baseCi).toEqual([1331, 1381]);
  });

  test("discarded rounds do not count", () => {
    const run = bookwormRun();
    for (const round of run.cases[0]?.rounds ?? []) {
      if (round.boot === 2) round.discarded = "a tick in every passage";
    }
    const found = compareRuns(run, trixieRun());
    expect(verdictOf(found, "bridge:4/forward", "bridge.forward")).toMatchObject({
      baseCi: [1331, 1331],
      baseRounds: 10,
    });
  });

  test("a case that was cut short carries no verdict", () => {
    const run = trixieRun();
    const [, flood] = run.cases;
    if (flood === undefined) throw new Error("fixture");
    flood.state = "interrupted";
    const found = compareRuns(bookwormRun(), run);
    expect(verdictOf(found, "bridge:4/flood", "bridge.flood")).toMatchObject({
      verdict: "inconclusive",
      beyond: true,
    });
  });

  test("a value of zero has no ratio", () => {
    const lookup = NUMBERS_6_1.lookup.map((boot) => boot.map(() => 0));
    const found = compareRuns(bookwormRun({ ...NUMBERS_6_1, lookup }), trixieRun());
    expect(verdictOf(found, "bridge:4/forward", "bridge.lookup")).toMatchObject({
      ratio: null,
      ci: null,
      smallestVisible: null,
      verdict: "inconclusive",
    });
  });

  test("other backends are said in every reason", () => {
    const run = trixieRun();
    for (const item of run.cases) if (item.probe) item.probe.backend = "kprobe";
    const found = compareRuns(bookwormRun(), run);
    expect(verdictOf(found, "bridge:4/flood", "bridge.flood").reason).toContain(
      "probes differ (fentry, kprobe): values are net of calibrated probes",
    );
  });

  test("several candidates are each compared with the first", () => {
    const other = { ...trixieRun(), id: "third" };
    if (other.guest) other.guest.kernel.spec = "debian:sid";
    const found = compareRuns(bookwormRun(), [trixieRun(), other]);
    expect(found.candidates.map((side) => side.label)).toEqual(["debian:trixie", "debian:sid"]);
    expect(found.verdicts.length).toBe(comparison.verdicts.length * 2);
    expect(new Set(found.verdicts.map((one) => one.base))).toEqual(new Set(["debian:bookworm"]));
  });
});

describe("by the clock", () => {
  test("one run each is inconclusive, with the ratio of the medians", () => {
    const found = compareRuns(completeRun(), { ...completeRun(), id: "later" });
    const frame = verdictOf(found, "bridge:4/forward", "ns_per_frame");
    expect(frame).toMatchObject({ ratio: 1, verdict: "inconclusive", margin: 0.02 });
    expect(frame.reason).toBe("one run each; run-to-run variation is unknown");
    expect(frame.ci?.[0]).toBeLessThan(1);
    expect(verdictOf(found, "bridge:4/flood", "bridge.flood").ci).not.toBeNull();
    expect(found.verdicts.some(({ metric }) => metric === "bridge.learn")).toBe(false);
  });

  test("times under TCG are not compared at all; decisions are", () => {
    const found = compareRuns(tcgRun(), completeRun());
    expect(found.verdicts.length).toBeGreaterThan(5);
    for (const one of found.verdicts) {
      expect(one).toMatchObject({ comparable: false, ratio: null, verdict: "inconclusive" });
      expect(one.reason).toContain("times mean nothing");
    }
    expect(found.accounts.filter((one) => one.state === "same").length).toBe(2);
    expect(found.warnings.join()).toContain("get no verdict");
  });

  test("instructions and time are not set against each other", () => {
    const wall: Run = { ...completeRun(), cases: bookwormRun().cases };
    const found = compareRuns(bookwormRun(), wall);
    expect(found.clock).toBe("mixed");
    expect(found.verdicts.every((one) => !one.comparable)).toBe(true);
    expect(found.warnings[0]).toContain("counted instructions");
  });
});

test("cases of one side only", () => {
  const { cases } = trixieRun();
  const found = compareRuns(bookwormRun(), {
    ...trixieRun(),
    cases: cases.slice(1),
    state: "failed",
  });
  expect(found.unmatched[0]).toMatchObject({
    case: "bridge:4/forward",
    metric: null,
    only: "base",
    reason: "the other run failed",
  });
});
