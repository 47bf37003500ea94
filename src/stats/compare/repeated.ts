/** Sides of several runs, by the clock: how much a run differs from the next of its own side is known. */
import type { Verdict } from "../../document/compare.ts";
import { holm } from "../holm.ts";
import { judge, smallestVisible } from "../verdict.ts";
import { type Difference, halfWidth, welch, welchP } from "../welch.ts";
import { isHeadline, shareInNs } from "./headlines.ts";
import { type Cases, incomparable, probesDiffer, type Subject, wallMarginOf } from "./judge.ts";
import { needed } from "./needs.ts";
import type { Pair } from "./pair.ts";
import type { Reading } from "./readings.ts";

/**
 * The ratio of the geometric means over runs, with Welch's interval and test of the logarithms: a run is what is
 * drawn, whatever its rounds say. Readings that carry no verdict are left out, and the reason says so.
 */
export function judgeRepeated(
  pair: Pair,
  cases: Cases,
  subject: Subject,
  before: readonly Reading[],
  after: readonly Reading[],
): Verdict {
  const margin = wallMarginOf(pair);
  const { alpha } = pair;
  const values = { base: sound(before), candidate: sound(after) };
  const apart = incomparable(pair, subject);
  const found = apart === null ? compared(values) : null;
  const width = found === null ? null : halfWidth(found, alpha);
  const ratio = found === null ? null : Math.exp(found.difference);
  const ci = found === null || width === null ? null : intervalOf(found, width);
  const visible = ratio === null || ci === null ? null : smallestVisible({ ratio, ci });
  const headline = isHeadline(subject.name);
  const doubt = apart ?? doubts(pair, values, found);
  const says = doubt === null && ci !== null ? judge(ci, margin, subject.better) : "inconclusive";
  const declared = headline || says === "unchanged";
  const left = [leftOut("base", before), leftOut("candidate", after)].join("");
  const baseValue = middle(values.base, before);
  return {
    case: cases.base.id,
    base: pair.base.label,
    candidate: pair.candidate.label,
    metric: subject.name,
    unit: subject.unit,
    better: subject.better,
    baseValue,
    baseCi: null,
    baseRounds: rounds(before),
    candidateValue: middle(values.candidate, after),
    candidateCi: null,
    candidateRounds: rounds(after),
    comparable: apart === null,
    ratio,
    ci,
    method: `ratio of the geometric means over runs; ${percent(1 - alpha)} interval and test after Welch, of the logarithms`,
    beyond: ci !== null && (ci[0] > 1 || ci[1] < 1),
    p: found === null ? null : welchP(found),
    alpha,
    ...(headline ? {} : { exploratory: true }),
    margin,
    smallestVisible: visible,
    smallestVisibleNs: visible === null ? null : shareInNs(subject.name, baseValue, visible),
    values,
    ...(headline && found !== null && says === "inconclusive"
      ? { needed: needed(pair, margin, spreadOf(found, values)) }
      : {}),
    verdict: declared ? says : "inconclusive",
    reason: `${doubt ?? because(says, declared, margin)}${left}${probesDiffer(cases, subject)}`,
  };
}

/** Corrects the tests of a case for the number of its headline metrics (Holm); those of one run each stay. */
export function corrected(verdicts: readonly Verdict[]): Verdict[] {
  const tested = verdicts.filter(
    ({ values, p, exploratory }) => values !== undefined && p !== null && exploratory !== true,
  );
  const adjusted = holm(tested.map(({ p }) => p ?? 1));
  return verdicts.map((one): Verdict => {
    const adjustedP = adjusted[tested.indexOf(one)];
    if (adjustedP === undefined) return one;
    const change = one.verdict === "regression" || one.verdict === "improvement";
    if (!change || adjustedP <= (one.alpha ?? 1)) return { ...one, adjustedP };
    return {
      ...one,
      adjustedP,
      verdict: "inconclusive",
      reason:
        "the interval leaves 1 out and the test, corrected for both headline metrics, does not",
    };
  });
}

interface Values {
  readonly base: number[];
  readonly candidate: number[];
}

function sound(readings: readonly Reading[]): number[] {
  return readings.filter(({ flaw }) => flaw === null).map(({ value }) => value);
}

/** Null where a value is not positive, or there are too few to know how they vary. */
function compared({ base, candidate }: Values): Difference | null {
  if (![...base, ...candidate].every((value) => value > 0)) return null;
  return welch(base.map(Math.log), candidate.map(Math.log));
}

function intervalOf({ difference }: Difference, width: number): [number, number] {
  return [Math.exp(difference - width), Math.exp(difference + width)];
}

/** What one run's logarithm varies by, were both sides to vary alike. */
function spreadOf({ difference, error }: Difference, { base, candidate }: Values) {
  const runs: [number, number] = [base.length, candidate.length];
  return { difference, deviation: error / Math.sqrt(1 / runs[0] + 1 / runs[1]), runs };
}

function doubts(
  { base, candidate }: Pair,
  values: Values,
  found: Difference | null,
): string | null {
  const cpus = new Set(
    [...base.runs, ...candidate.runs].map(({ environment: { cpu } }) => cpu.model),
  );
  if (cpus.size > 1) {
    return `made on different CPUs (${[...cpus].toSorted().join(", ")}), whose difference is in the ratio`;
  }
  if (found !== null) return null;
  const all = [...values.base, ...values.candidate];
  if (all.length < 3) return "one run each; run-to-run variation is unknown";
  return values.base.length === 0 || values.candidate.length === 0
    ? "no run of one side can be used"
    : "a value is zero, so there is no ratio";
}

function because(says: Verdict["verdict"], declared: boolean, margin: number): string {
  if (says === "unchanged")
    return `the interval over runs lies within the margin of ${percent(margin)}`;
  if (says === "inconclusive") {
    return "the interval over runs holds both no change and one beyond the margin";
  }
  const beyond = `the interval over runs lies wholly on one side of 1 and not within the margin of ${percent(margin)}`;
  return declared
    ? beyond
    : `exploratory: ${beyond}, but this barely sees the bridge's own path and declares nothing`;
}

function leftOut(side: "base" | "candidate", readings: readonly Reading[]): string {
  const flaws = readings.flatMap(({ flaw }) => flaw ?? []);
  if (flaws.length === 0) return "";
  return `; left out of the ${side}: ${flaws.length} of ${readings.length} runs, whose ${[...new Set(flaws)].join(", or whose ")}`;
}

/** The geometric mean; of those with a flaw where there are no others, or a value is zero, their median. */
function middle(values: readonly number[], readings: readonly Reading[]): number {
  if (values.length > 0 && values.every((value) => value > 0)) {
    return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
  }
  const all = values.length > 0 ? values : readings.map(({ value }) => value);
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
}

function rounds(readings: readonly Reading[]): number {
  return readings.reduce((sum, { n }) => sum + n, 0);
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(4))} %`;
}
