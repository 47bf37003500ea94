/** One case of two sides that were measured in pairs: `bench --vs`. */
import type { Unmatched, Verdict } from "../../document/compare.ts";
import { type Case, METRICS, type MetricName } from "../../document/run.ts";
import type { Session } from "../../document/session.ts";
import { holm } from "../holm.ts";
import { LEAST_BLOCKS, ratioOfBlocks, signFlipP } from "../paired/blocks.ts";
import { logRatios, type PairedRatio } from "../paired/ratio.ts";
import { median } from "../quantile.ts";
import { pairedSamples } from "../samples.ts";
import { judge, smallestVisible } from "../verdict.ts";
import { HEADLINES, isHeadline, shareInNs } from "./headlines.ts";
import { WALL_MARGIN } from "./judge.ts";
import type { Pair } from "./pair.ts";

const SETUP = "setup_time";

/** What one measurement says of one metric. */
export interface Finding {
  metric: string;
  base: number[];
  candidate: number[];
  /** Pairs of labs, each built anew; as many as pairs where there is but one. */
  blocks: number;
  /** Too few of them for an interval. */
  few: boolean;
  /** null where a value is not positive. */
  ratio: PairedRatio | null;
  p: number;
  adjustedP: number;
  alpha: number;
  seed: number;
  /** What the interval alone would say, where the test agrees that there is something. */
  says: Verdict["verdict"];
}

/** What one measurement says: of the headline metrics of the case, or of its other ones. */
export function findingsOf(
  base: Case,
  candidate: Case,
  session: Pick<Session, "measurement" | "alpha" | "seed">,
  { margin, metrics }: { margin: number; metrics: readonly string[] },
): Finding[] {
  const { measurement, alpha, seed } = session;
  const raw = metrics.map((metric) => {
    const of = (item: Case) => samplesOf(item, metric, measurement);
    const [b, c] = [of(base), of(candidate)];
    const sound =
      b.length > 0 && b.length === c.length && [...b, ...c].every(({ value }) => value > 0);
    const blocks = sound ? blocksOf(b, c, metric === SETUP || isRenewed(base, measurement)) : [];
    return {
      metric,
      base: b.map(({ value }) => value),
      candidate: c.map(({ value }) => value),
      blocks: blocks.length,
      ratio: sound ? ratioOfBlocks(blocks, seed, alpha) : null,
      p: sound ? signFlipP(blocks, seed) : 1,
      few: sound && blocks.length < LEAST_BLOCKS,
    };
  });
  const adjusted = holm(raw.map(({ p }) => p));
  return raw.map((one, index) => {
    const adjustedP = adjusted[index] ?? 1;
    const says =
      one.ratio === null || one.few
        ? "inconclusive"
        : judge(one.ratio.ci, margin, better(base, one.metric));
    const change = isChange({ says });
    return {
      ...one,
      adjustedP,
      alpha,
      seed,
      says: change && adjustedP > alpha ? "inconclusive" : says,
    };
  });
}

/** Those of the headline metrics that the case has. */
export function headlinesOf(item: Case): MetricName[] {
  return HEADLINES.filter((name) => item.metrics[name] !== undefined);
}

/** Whether a measurement found a change, which has to be found again before it is declared. */
export function isFlagged(findings: readonly Finding[]): boolean {
  return findings.some(isChange);
}

/** Whether the finding is one of a change, in either direction. */
export function isChange({ says }: Pick<Finding, "says">): boolean {
  return says === "regression" || says === "improvement";
}

/** Verdicts on every metric that both sides have. */
export function comparePaired(
  pair: Pair,
  base: Case,
  candidate: Case,
): { verdicts: Verdict[]; unmatched: Unmatched[] } {
  const margin = pair.margin ?? WALL_MARGIN;
  const [first, second] = base.sessions ?? [];
  const shared = Object.keys(base.metrics).filter((name) => candidate.metrics[name] !== undefined);
  if (first === undefined) return { verdicts: [], unmatched: [] };
  const headlines = headlinesOf(base).filter((name) => shared.includes(name));
  const others = shared.filter((name) => !isHeadline(name));
  const find = (session: Session, metrics: readonly string[]) =>
    findingsOf(base, candidate, session, { margin, metrics });
  const again = second === undefined ? [] : find(second, headlines);
  const broken = [base, candidate].find((item) => item.state !== "complete");
  const doubt =
    broken === undefined ? null : `the case is ${broken.state}: ${broken.error ?? "not whole"}`;
  const context = { pair, base, margin, doubt };
  const [found, besides] = [find(first, headlines), find(first, others)];
  const counts = ({ base: b, candidate: c }: Finding) => b.length > 0 && b.length === c.length;
  const lost = [...found, ...besides].filter((one) => !counts(one));
  return {
    verdicts: [
      ...found
        .filter(counts)
        .map((one) =>
          verdictOf(context, one, again.find(({ metric }) => metric === one.metric) ?? null),
        ),
      ...besides.filter(counts).map((one) => exploratory(context, one)),
    ],
    unmatched: lost.map(({ metric, base: b, candidate: c }) => ({
      case: base.id,
      candidate: pair.candidate.label,
      metric,
      only: b.length > c.length ? "base" : "candidate",
      reason: "no pair that counts was measured",
    })),
  };
}

interface Context {
  pair: Pair;
  base: Case;
  margin: number;
  /** Why there can be no verdict, or null. */
  doubt: string | null;
}

function verdictOf(context: Context, first: Finding, again: Finding | null): Verdict {
  const change = isChange(first);
  const confirmation =
    again === null || again.ratio === null
      ? null
      : {
          seed: again.seed,
          pairs: again.base.length,
          ratio: again.ratio.ratio,
          ci: again.ratio.ci,
          p: again.p,
          agrees: again.says === first.says,
        };
  const common = { ...verdictBase(context, first), confirmation };
  if (context.doubt !== null) return { ...common, verdict: "inconclusive", reason: context.doubt };
  if (!change) return { ...common, verdict: first.says, reason: because(first, context.margin) };
  if (confirmation === null) {
    return {
      ...common,
      verdict: "inconclusive",
      reason: "a change was found and not measured again",
    };
  }
  if (!confirmation.agrees) {
    return {
      ...common,
      verdict: "inconclusive",
      reason:
        "a change was found, and the second measurement, with a new seed and labs built anew, did not find it",
    };
  }
  return {
    ...common,
    verdict: first.says,
    reason: `two measurements, each with its own seed and labs, have their interval ${beyond(context.margin)}`,
  };
}

function exploratory(context: Context, one: Finding): Verdict {
  const common = { ...verdictBase(context, one), exploratory: true };
  if (context.doubt !== null) return { ...common, verdict: "inconclusive", reason: context.doubt };
  if ([...one.base, ...one.candidate].every((value) => value === 0)) {
    return { ...common, verdict: "unchanged", reason: "zero in every round of both sides" };
  }
  if (one.says === "unchanged") {
    return { ...common, verdict: "unchanged", reason: because(one, context.margin) };
  }
  const change = one.says !== "inconclusive";
  return {
    ...common,
    verdict: "inconclusive",
    reason: change
      ? `exploratory: the interval lies ${beyond(context.margin)}, but this metric barely sees the bridge and declares nothing`
      : because(one, context.margin),
  };
}

function verdictBase(
  { pair, base, margin }: Context,
  { metric, base: b, candidate: c, ratio: found, few, p, adjustedP, alpha }: Finding,
): Omit<Verdict, "verdict" | "reason"> {
  const ratio = few ? null : found;
  const visible = ratio === null ? null : smallestVisible(ratio);
  const value = median(b);
  return {
    case: base.id,
    base: pair.base.label,
    candidate: pair.candidate.label,
    metric,
    unit: base.metrics[metric]?.unit ?? "",
    better: better(base, metric),
    baseValue: value,
    baseCi: null,
    baseRounds: b.length,
    candidateValue: median(c),
    candidateCi: null,
    candidateRounds: c.length,
    comparable: true,
    ratio: found?.ratio ?? null,
    ci: ratio?.ci ?? null,
    method: found?.method ?? "no ratio: a value is zero",
    beyond: ratio !== null && (ratio.ci[0] > 1 || ratio.ci[1] < 1),
    p: ratio === null ? null : p,
    adjustedP,
    alpha,
    margin,
    smallestVisible: visible,
    smallestVisibleNs: visible === null ? null : shareInNs(metric, value, visible),
  };
}

function because({ says, ratio, few, blocks, adjustedP, alpha }: Finding, margin: number): string {
  if (ratio === null) return "a value is zero, so there is no ratio";
  if (few) {
    return `only ${blocks} pairs of labs were measured, and at least ${LEAST_BLOCKS} carry an interval: give a longer --budget`;
  }
  if (says === "unchanged") return `the interval lies within the margin of ${percent(margin)}`;
  const [low, high] = ratio.ci;
  if ((low > 1 || high < 1) && adjustedP > alpha) {
    return `the interval leaves 1 out and the test does not (p ${adjustedP.toPrecision(2)} after Holm, at most ${alpha.toPrecision(2)} needed)`;
  }
  return "the interval holds both no change and one beyond the margin; more time narrows it";
}

function beyond(margin: number): string {
  return margin === 0 ? "beyond 1" : `beyond 1 and not within the margin of ${percent(margin)}`;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}

interface Sample {
  value: number;
  block: number;
}

function samplesOf(item: Case, metric: string, measurement: number): Sample[] {
  const { samples = [] } = item.metrics[metric] ?? {};
  // Setting a lab up has one sample a pair of labs.
  if (metric === SETUP) return samples.map((value, block) => ({ value, block }));
  return pairedSamples(item, metric).flatMap(({ value, round }) =>
    round !== null && round.discarded === null && round.measurement === measurement
      ? [{ value, block: round.block ?? 0 }]
      : [],
  );
}

/** Whether labs were built anew between the pairs, those that do not count included. */
function isRenewed({ rounds }: Case, measurement: number): boolean {
  const blocks = rounds.flatMap((round) =>
    round.measurement === measurement && round.block !== undefined && round.block > 0
      ? [round.block]
      : [],
  );
  return new Set(blocks).size > 1;
}

/** The pairs' log ratios by the labs that they were measured in; each on its own where all share one pair of labs. */
function blocksOf(
  base: readonly Sample[],
  candidate: readonly Sample[],
  renewed: boolean,
): number[][] {
  const values = (side: readonly Sample[]) => side.map(({ value }) => value);
  const logs = logRatios(values(candidate), values(base));
  const blocks = new Map<number, number[]>();
  logs.forEach((log, index) => {
    const block = base[index]?.block ?? 0;
    blocks.set(block, [...(blocks.get(block) ?? []), log]);
  });
  return renewed ? [...blocks.values()] : logs.map((log) => [log]);
}

function better(item: Case, metric: string): "lower" | "higher" {
  const known = METRICS[metric as keyof typeof METRICS];
  return item.metrics[metric]?.better ?? known?.better ?? "lower";
}
