import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exitStatus } from "../../../src/cli/compare.ts";
import { type Comparison, compareSchema } from "../../../src/document/compare.ts";
import type { Run } from "../../../src/document/run.ts";
import { COMPARISON_FORMATS } from "../../../src/report/comparison.ts";
import { compareRuns } from "../../../src/stats/compare/runs.ts";
import { bookwormRun, trixieRun } from "../../fixtures/report/kernels.ts";
import { type MadeUp, repeatedRuns } from "../../fixtures/report/repeated.ts";

function compared(base: Omit<MadeUp, "name">, candidate: Omit<MadeUp, "name">, margin = 0.02) {
  return compareRuns(
    { label: "old", runs: repeatedRuns({ name: "old", ...base }) },
    { label: "new", runs: repeatedRuns({ name: "new", seed: 2, ...candidate }) },
    { margin },
  );
}

function verdictOf({ verdicts }: Comparison, metric = "ns_per_frame") {
  return verdicts.find((one) => one.metric === metric) ?? expect.fail(metric);
}

describe("several runs a side, by the clock", () => {
  test("a change that is larger than the runs vary is a regression", () => {
    const found = compared({ runs: 5 }, { runs: 5, ratio: 1.1 });
    expect(verdictOf(found)).toMatchObject({ verdict: "regression", alpha: 0.01 });
    expect(verdictOf(found).values?.base).toHaveLength(5);
    expect(verdictOf(found, "frame_rate").verdict).toBe("regression");
    expect(exitStatus(found)).toBe(3);
    expect(compareSchema.parse(found)).toEqual(found);
  });

  test("the same change is none where runs vary by more, however alike the rounds of each are", () => {
    const found = compared({ runs: 5, spread: 0.2 }, { runs: 5, ratio: 1.1, spread: 0.2 });
    expect(verdictOf(found)).toMatchObject({ verdict: "inconclusive" });
    expect(exitStatus(found)).toBe(0);
    const { needed } = verdictOf(found);
    expect(needed?.runs).toBeGreaterThan(5);
    expect(needed?.ns).toBe(2 * ((needed?.runs ?? 0) - 5) * 60e9);
  });

  test("runs that hardly vary are unchanged within the margin", () => {
    const found = compared({ runs: 6, spread: 0.002 }, { runs: 6, spread: 0.002 });
    expect(verdictOf(found)).toMatchObject({ verdict: "unchanged" });
  });

  test("one run against many is judged by how those vary", () => {
    const far = compared({ runs: 8 }, { runs: 1, ratio: 1.2 });
    expect(verdictOf(far)).toMatchObject({ verdict: "regression" });
    const near = compared({ runs: 8 }, { runs: 1, ratio: 1.02 });
    expect(verdictOf(near)).toMatchObject({ verdict: "inconclusive" });
  });

  test("what barely sees the bridge declares nothing", () => {
    const found = compared({ runs: 5 }, { runs: 5, ratio: 1.1 });
    expect(verdictOf(found, "throughput")).toMatchObject({
      verdict: "inconclusive",
      exploratory: true,
    });
  });

  test("a run whose case failed is left out, and said to be", () => {
    const candidate = repeatedRuns({ name: "new", runs: 5, seed: 2 });
    const [first] = candidate;
    const [item] = first?.cases ?? [];
    if (item === undefined) throw new Error("fixture");
    Object.assign(item, { state: "failed", error: "no" });
    const found = compareRuns(
      { label: "old", runs: repeatedRuns({ name: "old", runs: 5 }) },
      { label: "new", runs: candidate },
    );
    expect(verdictOf(found).values?.candidate).toHaveLength(4);
    expect(verdictOf(found).reason).toContain(
      "left out of the candidate: 1 of 5 runs, whose case is failed",
    );
  });

  test("a degraded probe marks its stages, and not what was measured without it", () => {
    const candidate = repeatedRuns({ name: "new", runs: 3, seed: 2 });
    for (const { probe } of candidate.flatMap(({ cases }) => cases)) {
      if (probe === undefined) throw new Error("fixture");
      Object.assign(probe, { lost: 7, degraded: ["the ring buffer was full"] });
    }
    const runs = { label: "old", runs: repeatedRuns({ name: "old", runs: 3 }) };
    const found = compareRuns(runs, { label: "new", runs: candidate });
    const stage = found.verdicts.find(({ metric }) => metric.startsWith("bridge."));
    expect(stage).toMatchObject({ verdict: "inconclusive" });
    expect(stage?.reason).toContain(
      "3 of 3 runs, whose probe is degraded: the ring buffer was full",
    );
    expect(verdictOf(found).values?.candidate).toHaveLength(3);
    const [base] = runs.runs;
    const [other] = candidate;
    if (base === undefined || other === undefined) throw new Error("fixture");
    const single = compareRuns(base, other).verdicts.find((one) => one.metric === stage?.metric);
    expect(single?.reason).toContain("the candidate's probe is degraded");
  });

  test("runs of different CPUs compare the CPUs", () => {
    const candidate = repeatedRuns({ name: "new", runs: 5, ratio: 1.1, seed: 2 });
    for (const { environment } of candidate.slice(0, 1)) environment.cpu.model = "Another";
    const found = compareRuns(
      { label: "old", runs: repeatedRuns({ name: "old", runs: 5 }) },
      { label: "new", runs: candidate },
    );
    expect(verdictOf(found).verdict).toBe("inconclusive");
    expect(verdictOf(found).reason).toContain("made on different CPUs (Another, ");
    expect(found.environment.differences).toContainEqual(
      expect.objectContaining({
        group: "cpu",
        candidateValue: expect.stringContaining("Another | "),
      }),
    );
  });

  test("runs of one side after the other: what lies between is in the ratio", () => {
    const found = compared({ runs: 5 }, { runs: 5, hour: 10 });
    expect(found.warnings.join()).toContain(
      "All runs of old (to 2026-11-26T04:00:00.000Z) were made before",
    );
    expect(compared({ runs: 5 }, { runs: 5 }).warnings.join()).not.toContain("were made before");
  });

  test("every format tells it", () => {
    const found = compared({ runs: 5, spread: 0.2 }, { runs: 5, ratio: 1.1, spread: 0.2 });
    for (const { render } of COMPARISON_FORMATS) {
      const text = render(found).replace(/\s+/g, " ");
      expect(text).not.toMatch(/NaN|undefined|Infinity|\[object/);
      expect(text).toContain("old");
    }
    const [terminal, markdown, html] = ["terminal", "markdown", "html"].map((name) =>
      (COMPARISON_FORMATS.find((one) => one.name === name)?.render(found) ?? "").replace(
        /\s+/g,
        " ",
      ),
    );
    for (const text of [terminal, markdown, html]) {
      expect(text).toMatch(/A verdict would take about \d+ runs a side, .+ more/);
      expect(text).toContain("By the clock: several runs");
      expect(text).toContain("5 runs from 2026-11-26T00:00:00.000Z");
    }
  });

  test("exchanging the sides exchanges the verdicts", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.8, max: 1.25, noNaN: true }),
        fc.integer({ min: 2, max: 6 }),
        (ratio, n) => {
          const base = { label: "a", runs: repeatedRuns({ name: "a", runs: 4 }) };
          const candidate = {
            label: "b",
            runs: repeatedRuns({ name: "b", runs: n, ratio, seed: 7 }),
          };
          const there = verdictOf(compareRuns(base, candidate));
          const back = verdictOf(compareRuns(candidate, base));
          expect((there.ratio ?? 0) * (back.ratio ?? 0)).toBeCloseTo(1, 12);
          expect((there.ci?.[0] ?? 0) * (back.ci?.[1] ?? 0)).toBeCloseTo(1, 9);
          const opposite = { regression: "improvement", improvement: "regression" } as const;
          const { verdict } = there;
          expect(back.verdict).toBe(
            verdict === "regression" || verdict === "improvement" ? opposite[verdict] : verdict,
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  test("of sides that are alike, at most one in a hundred is found to differ", () => {
    let found = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const base = { label: "a", runs: repeatedRuns({ name: "a", runs: 4, seed: 2 * seed }) };
      const other = { label: "b", runs: repeatedRuns({ name: "b", runs: 4, seed: 2 * seed + 1 }) };
      const { verdict } = verdictOf(compareRuns(base, other, { margin: 0 }));
      if (verdict !== "inconclusive") found++;
    }
    // With 1 % the chance of more than 9 of 300 is 0.1 %; the seeds are fixed, so this is one draw of it.
    expect(found).toBeLessThanOrEqual(9);
  });
});

describe("one run each", () => {
  test("says how many it would take at the least, and how long", () => {
    const [base] = repeatedRuns({ name: "old", runs: 1 });
    const [candidate] = repeatedRuns({ name: "new", runs: 1, ratio: 1.1, seed: 2 });
    if (base === undefined || candidate === undefined) throw new Error("fixture");
    const found = compareRuns(base, candidate);
    expect(verdictOf(found)).toMatchObject({
      verdict: "inconclusive",
      reason: "one run each; run-to-run variation is unknown",
    });
    const { needed } = verdictOf(found);
    expect(needed?.runs).toBeGreaterThanOrEqual(2);
    expect(needed?.ns).toBe(2 * ((needed?.runs ?? 0) - 1) * 60e9);
    const text = COMPARISON_FORMATS.find(({ name }) => name === "terminal")?.render(found) ?? "";
    expect(text.replace(/\s+/g, " ")).toContain("until there can be a verdict: ");
    expect(found.warnings[0]).toContain("Two runs made at different times");
  });
});

describe("several runs of a guest", () => {
  const again = (run: Run, seeds: number): Run => ({
    ...run,
    id: `${run.id}-${seeds}`,
    ...(run.guest === undefined
      ? {}
      : {
          guest: {
            ...run.guest,
            boots: run.guest.boots.map(({ seed, padding }) => ({ seed: seed + seeds, padding })),
          },
        }),
  });
  const flood = ({ verdicts }: Comparison) =>
    verdicts.find(({ metric }) => metric === "bridge.flood") ?? expect.fail("bridge.flood");
  const one = compareRuns(bookwormRun(), trixieRun());

  test("their boots are one set of boots", () => {
    const found = compareRuns(
      { label: "a", runs: [bookwormRun(), again(bookwormRun(), 100)] },
      { label: "b", runs: [trixieRun(), again(trixieRun(), 100)] },
    );
    expect(flood(found).baseRounds).toBe(2 * flood(one).baseRounds);
    expect(found.warnings.join()).not.toContain("boots: were they to differ at random");
    expect(one.warnings.join()).toContain("3 and 3 boots");
  });

  test("a boot with the same seed and padding is the same boot again", () => {
    const found = compareRuns(
      { label: "a", runs: [bookwormRun(), { ...bookwormRun(), id: "again" }] },
      trixieRun(),
    );
    expect(found.warnings.join()).toContain("3 and 3 boots");
    expect(flood(found).baseValue).toBe(flood(one).baseValue);
  });
});
