/** One stage or metric of two runs, and whether they can be set against each other at all. */
import type { Verdict } from "../../document/compare.ts";
import type { Case } from "../../document/run.ts";
import {
  judge,
  type Ratio,
  ratioOfIntervals,
  ratioOfMedians,
  smallestVisible,
} from "../verdict.ts";
import { isHeadline } from "./headlines.ts";
import { needed } from "./needs.ts";
import { isTimeless, type Pair } from "./pair.ts";
import type { Reading } from "./readings.ts";

export interface Subject {
  readonly name: string;
  readonly unit: string;
  readonly better: "lower" | "higher";
  /** Timed between two probes, not measured by the workload. */
  readonly stage: boolean;
}

/** 0.2 %: the change that counted time is meant to resolve. */
const COUNTED_MARGIN = 0.002;
/** 2 %: above the run-to-run variation of a quiet host, see bench --vs. */
export const WALL_MARGIN = 0.02;

export interface Cases {
  readonly base: Case;
  readonly candidate: Case;
}

/** The smallest change by the clock that is worth a verdict. */
export function wallMarginOf({ margin, clockMargin }: Pair): number {
  return margin ?? clockMargin?.share ?? WALL_MARGIN;
}

export function judgeReadings(
  pair: Pair,
  cases: Cases,
  subject: Subject,
  base: Reading,
  candidate: Reading,
): Verdict {
  const counted = subject.unit === "instructions";
  const margin = counted ? (pair.margin ?? COUNTED_MARGIN) : wallMarginOf(pair);
  const apart = incomparable(pair, subject);
  const ratio = apart === null ? ratioOf(base, candidate) : null;
  const doubt = apart ?? doubts(counted, base, candidate, ratio);
  const verdict = doubt === null && ratio !== null ? judge(ratio.ci, margin, subject.better) : null;
  const reason = doubt ?? because(verdict ?? "inconclusive", ratio, margin);
  const visible = ratio === null ? null : smallestVisible(ratio);
  return {
    case: cases.base.id,
    base: pair.base.label,
    candidate: pair.candidate.label,
    metric: subject.name,
    unit: subject.unit,
    better: subject.better,
    baseValue: base.value,
    baseCi: base.ci,
    baseRounds: base.n,
    candidateValue: candidate.value,
    candidateCi: candidate.ci,
    candidateRounds: candidate.n,
    comparable: apart === null,
    ratio: ratio?.ratio ?? null,
    ci: ratio?.ci ?? null,
    method:
      base.method === candidate.method
        ? base.method
        : `base: ${base.method}; candidate: ${candidate.method}`,
    beyond: ratio !== null && (ratio.ci[0] > 1 || ratio.ci[1] < 1),
    p: null,
    margin,
    // Counted values are whole: less than one instruction cannot be seen.
    smallestVisible:
      visible === null ? null : counted ? Math.max(visible, 1 / base.value) : visible,
    verdict: verdict ?? "inconclusive",
    reason: `${reason}${probesDiffer(cases, subject)}${apart === null && counted ? NO_TEST : ""}`,
    ...(ratio !== null && !counted && isHeadline(subject.name)
      ? { needed: needed(pair, margin, { ...spreadOf(ratio), runs: [1, 1] }) }
      : {}),
  };
}

/** Half of a normal interval of 95 %, in standard deviations. */
const HALF_95 = 1.96;

/** As if runs varied no more than the rounds of one: the least that it would take. */
function spreadOf({ ratio, ci: [low, high] }: Ratio): { difference: number; deviation: number } {
  return {
    difference: Math.log(ratio),
    deviation: Math.log(high / low) / (2 * HALF_95) / Math.SQRT2,
  };
}

const NO_TEST = "; intervals were compared and no test was made, so there is no p";

/** Why no ratio of the two means anything, or null. */
export function incomparable({ base, candidate }: Pair, { unit }: Subject): string | null {
  if (base.run.environment.clock !== candidate.run.environment.clock) {
    return "one run counted instructions and the other read a clock";
  }
  if (unit === "instructions") return null;
  const timeless = [base, candidate].filter(({ run }) => isTimeless(run));
  if (timeless.length > 0) {
    return `measured by wall clock under qemu's TCG (${timeless.map((one) => one.label).join(", ")}), where times mean nothing`;
  }
  if (base.run.environment.clock === "icount") {
    return "not in instructions: in counted time nothing else is compared";
  }
  return null;
}

function ratioOf(base: Reading, candidate: Reading): Ratio | null {
  if (base.resampled !== null && candidate.resampled !== null) {
    return ratioOfMedians(base.resampled, candidate.resampled);
  }
  if (base.ci === null || candidate.ci === null) return null;
  return ratioOfIntervals(
    { value: base.value, ci: base.ci },
    { value: candidate.value, ci: candidate.ci },
  );
}

/** Why the ratio carries no verdict, or null. */
function doubts(
  counted: boolean,
  base: Reading,
  candidate: Reading,
  ratio: Ratio | null,
): string | null {
  const flaws = [
    ...(base.flaw === null ? [] : [`the base's ${base.flaw}`]),
    ...(candidate.flaw === null ? [] : [`the candidate's ${candidate.flaw}`]),
  ];
  if (flaws.length > 0) return flaws.join("; ");
  if (!counted) return "one run each; run-to-run variation is unknown";
  const single = [base, candidate].filter((one) => one.boots < 2).length;
  if (single > 0) {
    return "rounds of several boots are needed on both sides: one boot cannot carry a verdict";
  }
  return ratio === null ? "a value is zero, so there is no ratio" : null;
}

function because(verdict: Verdict["verdict"], ratio: Ratio | null, margin: number): string {
  const share = `${Number((margin * 100).toPrecision(3))} %`;
  if (verdict === "unchanged")
    return `the interval of the ratio lies within the margin of ${share}`;
  if (verdict === "inconclusive") return "the two intervals overlap";
  const direction = (ratio?.ratio ?? 1) > 1 ? "more" : "fewer";
  return `${direction} instructions: the intervals do not overlap, and the change can be larger than the margin of ${share}`;
}

export function probesDiffer({ base, candidate }: Cases, { stage, unit }: Subject): string {
  const [before, after] = [base.probe, candidate.probe];
  if (before === undefined || after === undefined || before.backend === after.backend) return "";
  const both = `; probes differ (${before.backend}, ${after.backend})`;
  if (!stage || unit !== "instructions") return both;
  return `${both}: values are net of calibrated probes`;
}
