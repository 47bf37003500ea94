import { describe, expect, it } from "vitest";
import { compareSchema } from "../../../src/document/compare.ts";
import { type Run, runSchema } from "../../../src/document/run.ts";
import { COMPARISON_FORMATS, renderComparison } from "../../../src/report/comparison.ts";
import { compareRuns } from "../../../src/stats/compare/runs.ts";
import { type MadeUp, pairedRuns } from "../../fixtures/report/paired.ts";

function compared(
  made: MadeUp,
  options: { margin?: number } = {},
  change: (runs: Run[]) => void = () => {},
) {
  const runs = pairedRuns(made);
  change(runs);
  for (const run of runs) runSchema.parse(run);
  return compareSchema.parse(compareRuns(runs[0], runs[1], options));
}

const of = (comparison: ReturnType<typeof compared>, metric = "ns_per_frame") => {
  const found = comparison.verdicts.find((one) => one.metric === metric);
  if (found === undefined) throw new Error(`no verdict on ${metric}`);
  return found;
};

describe("two sides of one session", () => {
  it("a change that two measurements find is declared", () => {
    const verdict = of(compared({ ratios: [1.06, 1.06] }));
    expect(verdict).toMatchObject({
      case: "bridge:8/forward",
      base: "bridge:8",
      candidate: "bridge:8,nf_call=1",
      verdict: "regression",
      confirmation: { agrees: true, seed: 42 },
      baseRounds: 120,
    });
    expect(verdict.ratio).toBeCloseTo(1.06, 2);
    expect(verdict.adjustedP).toBeGreaterThanOrEqual(verdict.p ?? 1);
    expect(verdict.smallestVisibleNs).toBeCloseTo(
      (verdict.smallestVisible ?? 0) * verdict.baseValue,
      9,
    );
    expect(of(compared({ ratios: [1.06, 1.06] }), "frame_rate").verdict).toBe("regression");
  });

  it("with the sides exchanged the verdict is too", () => {
    const [base, candidate] = pairedRuns({ ratios: [1.06, 1.06] });
    const [one] = compareRuns(base, candidate).verdicts;
    const [other] = compareRuns(candidate, base).verdicts;
    expect(other?.verdict).toBe("improvement");
    expect((one?.ratio ?? 0) * (other?.ratio ?? 0)).toBeCloseTo(1, 12);
    expect((one?.ci?.[0] ?? 0) * (other?.ci?.[1] ?? 0)).toBeCloseTo(1, 12);
  });

  it("a change that the second measurement does not find is not declared", () => {
    const verdict = of(compared({ ratios: [1.06, 1] }));
    expect(verdict).toMatchObject({ verdict: "inconclusive", confirmation: { agrees: false } });
    expect(verdict.reason).toContain("did not find it");
  });

  it("nor one that the second measurement finds the other way round", () => {
    expect(of(compared({ ratios: [1.06, 0.94] })).verdict).toBe("inconclusive");
  });

  it("nor one that was not measured again", () => {
    const verdict = of(compared({ ratios: [1.06] }));
    expect(verdict).toMatchObject({ verdict: "inconclusive", confirmation: null });
    expect(verdict.reason).toContain("not measured again");
  });

  it("no change is unchanged when the interval lies within the margin, and open when it does not", () => {
    expect(of(compared({ ratios: [1] }, { margin: 0.02 })).verdict).toBe("unchanged");
    expect(of(compared({ ratios: [1] }, { margin: 0.0001 })).verdict).toBe("inconclusive");
    expect(of(compared({ ratios: [1.01, 1.01] }, { margin: 0.05 })).verdict).toBe("unchanged");
  });

  it("from too few pairs of labs nothing is declared, however large the change", () => {
    const verdict = of(compared({ ratios: [1.5, 1.5], blocks: 9 }));
    expect(verdict).toMatchObject({ verdict: "inconclusive", ci: null, smallestVisible: null });
    expect(verdict.reason).toContain("at least 10");
  });

  it("what is zero throughout is unchanged, and barely matters", () => {
    expect(of(compared({ ratios: [1] }), "frame_loss")).toMatchObject({
      verdict: "unchanged",
      exploratory: true,
      ratio: null,
    });
  });

  it("what barely sees the bridge declares nothing", () => {
    const comparison = compared({ ratios: [1.5, 1.5] }, {}, (runs) => {
      for (const run of runs) {
        const [one] = run.cases;
        const { ns_per_frame, frame_rate, ...rest } = one?.metrics ?? {};
        if (one && ns_per_frame && frame_rate) one.metrics = { ...rest, rtt_p50: ns_per_frame };
      }
    });
    const verdict = of(comparison, "rtt_p50");
    expect(verdict).toMatchObject({ verdict: "inconclusive", exploratory: true });
    expect(verdict.reason).toContain("exploratory");
  });

  it("an interrupted case declares nothing and says so", () => {
    const comparison = compared({ ratios: [1.5, 1.5] }, {}, (runs) => {
      for (const run of runs) {
        run.state = "interrupted";
        for (const one of run.cases) one.state = "interrupted";
      }
    });
    for (const { verdict, reason } of comparison.verdicts) {
      expect([verdict, reason]).toEqual(["inconclusive", expect.stringContaining("interrupted")]);
    }
  });

  it("rounds that are lost on one side leave no pair, and no verdict", () => {
    const comparison = compared({ ratios: [1.5, 1.5] }, {}, (runs) => {
      const round = runs[1]?.cases[0]?.rounds.at(-1);
      if (round) round.discarded = "edited";
    });
    expect(comparison.verdicts.filter((one) => one.verdict === "regression")).toEqual([]);
  });

  it("what disturbed them is said with its value and what to do", () => {
    const { warnings } = compared({ ratios: [1] }, {}, (runs) => {
      const noise = runs[1]?.cases[0]?.sessions?.[0]?.noise;
      if (noise) Object.assign(noise, { steal: 0.11, softnetDrops: 7, autocorrelation: 0.83 });
    });
    expect(warnings).toEqual([
      expect.stringContaining("took 11 % of the CPU time"),
      expect.stringContaining("7 frames were dropped"),
      expect.stringContaining("autocorrelation 0.83"),
    ]);
    expect(compared({ ratios: [1] }).warnings).toEqual([]);
  });

  it("what differs between the labs is listed", () => {
    const comparison = compared({ ratios: [1] }, {}, (runs) => {
      const lab = runs[1]?.cases[0]?.lab;
      if (lab) lab.ports = lab.ports.map((port) => ({ ...port, mtu: 9000 }));
    });
    expect(
      comparison.environment.differences.map(({ group, candidateValue }) => [
        group,
        candidateValue,
      ]),
    ).toEqual([["lab", "9000"]]);
  });

  it.each(COMPARISON_FORMATS.map((format) => [format.name]))("is rendered as %s", (format) => {
    const text = renderComparison(format, compared({ ratios: [1.06, 1.06] }));
    expect(/NaN|undefined|Infinity|\[object/.exec(text)?.[0] ?? null).toBeNull();
    expect(text.replace(/\s+/g, " ")).toMatch(/regression/i);
    if (format === "terminal") {
      for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
      expect(text.replace(/\s+/g, " ")).toContain("Smallest change it could have seen:");
    }
  });
});
