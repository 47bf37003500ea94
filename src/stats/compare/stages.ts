/** One case of two runs: a verdict for each stage and metric that both have, a reason for the rest. */
import type { Unmatched, Verdict } from "../../document/compare.ts";
import { type Case, type Latency, METRICS, STAGES, type Stage } from "../../document/run.ts";
import { medianOverRounds } from "../bootstrap.ts";
import { type CountedRound, countedEstimate } from "../counted.ts";
import { median } from "../quantile.ts";
import { countedSamples } from "../samples.ts";
import { judgeReadings, type Reading, type Subject } from "./judge.ts";
import type { Both } from "./pair.ts";
import { isPaired, type Pair } from "./pair.ts";
import { comparePaired } from "./paired.ts";

const INSTRUCTIONS = "instructions";
const METRIC_ORDER = Object.keys(METRICS);

export function compareCase(
  pair: Pair,
  { id, base, candidate }: Both,
): { verdicts: Verdict[]; unmatched: Unmatched[] } {
  if (base === undefined || candidate === undefined) {
    const lacking = base === undefined ? pair.base.run : pair.candidate.run;
    const reason =
      lacking.state === "complete"
        ? "not in the plan of the other run"
        : `the other run ${lacking.state === "failed" ? "failed" : "was interrupted"}`;
    const only = base === undefined ? "candidate" : "base";
    const one = { case: id, candidate: pair.candidate.label, metric: null, only, reason } as const;
    return { verdicts: [], unmatched: [one] };
  }
  if (isPaired(pair)) return comparePaired(pair, base, candidate);
  const parts = [
    ...STAGES.map((stage) => compareStage(pair, base, candidate, stage)),
    ...metricsOf(base, candidate).map((name) => compareMetric(pair, base, candidate, name)),
  ];
  return {
    verdicts: parts.flatMap((part) => (part !== null && "verdict" in part ? [part] : [])),
    unmatched: parts.flatMap((part) => (part !== null && "only" in part ? [part] : [])),
  };
}

function compareStage(
  pair: Pair,
  base: Case,
  candidate: Case,
  stage: Stage,
): Verdict | Unmatched | null {
  const before = timed(base, stage);
  const after = timed(candidate, stage);
  if (before === null && after === null) return null;
  if (before === null || after === null) {
    return unmatched(pair, base.id, stage, before === null, (item) => whyNot(item, stage), {
      base,
      candidate,
    });
  }
  const subject: Subject = {
    name: stage,
    unit: before.unit === after.unit ? before.unit : `${before.unit} and ${after.unit}`,
    better: "lower",
    stage: true,
  };
  return judgeReadings(
    pair,
    { base, candidate },
    subject,
    stageReading(base, before),
    stageReading(candidate, after),
  );
}

function compareMetric(
  pair: Pair,
  base: Case,
  candidate: Case,
  name: string,
): Verdict | Unmatched | null {
  const read = (item: Case, seed: number) => metricReading(item, name, seed);
  const before = read(base, pair.base.run.provenance.seed);
  const after = read(candidate, pair.candidate.run.provenance.seed);
  if (before === null && after === null) return null;
  if (before === null || after === null) {
    const why = () => "no round of the other run that counts has this metric";
    return unmatched(pair, base.id, name, before === null, why, { base, candidate });
  }
  const unit = base.metrics[name]?.unit ?? "";
  const other = candidate.metrics[name]?.unit ?? "";
  const subject: Subject = {
    name,
    unit: unit === other ? unit : `${unit} and ${other}`,
    better: base.metrics[name]?.better ?? "lower",
    stage: false,
  };
  return judgeReadings(pair, { base, candidate }, subject, before, after);
}

function unmatched(
  pair: Pair,
  id: string,
  metric: string,
  baseLacks: boolean,
  why: (lacking: Case) => string,
  { base, candidate }: { base: Case; candidate: Case },
): Unmatched {
  return {
    case: id,
    candidate: pair.candidate.label,
    metric,
    only: baseLacks ? "candidate" : "base",
    reason: why(baseLacks ? base : candidate),
  };
}

/** A stage in which at least one passage was timed. */
function timed(item: Case, stage: Stage): Latency | null {
  const latency = item.latency[stage];
  return latency === undefined || latency.sampled === 0 ? null : latency;
}

function whyNot(item: Case, stage: Stage): string {
  const gap = item.probe?.notObservable.find((one) => one.stage === stage);
  if (gap !== undefined) return gap.reason;
  if (item.probe === undefined) return "the probes were off";
  if (item.state !== "complete") return `the case is ${item.state}`;
  return "no passage was seen";
}

function stageReading(item: Case, latency: Latency): Reading {
  const rounds = latency.unit === INSTRUCTIONS ? countedRounds(item, latency) : [];
  if (rounds.length > 0) return counted(rounds);
  const { estimate } = latency;
  return {
    value: estimate?.value ?? latency.p50,
    ci: estimate?.ci ?? null,
    n: estimate?.n ?? 0,
    boots: 0,
    method: estimate?.method ?? "median of the passages that were timed",
    samples: [],
  };
}

function countedRounds(item: Case, latency: Latency): CountedRound[] {
  return (latency.perRound ?? []).flatMap(({ round, value }) => {
    const of = item.rounds.find((one) => one.index === round);
    return of === undefined || of.discarded !== null ? [] : [{ value, boot: of.boot ?? 0 }];
  });
}

function metricReading(item: Case, name: string, seed: number): Reading | null {
  const samples = countedSamples(item, name);
  const values = samples.map((sample) => sample.value);
  if (values.length === 0) return null;
  if (item.metrics[name]?.unit === INSTRUCTIONS) {
    return counted(samples.map(({ value, round }) => ({ value, boot: round?.boot ?? 0 })));
  }
  const estimate = medianOverRounds(values, seed);
  return {
    value: median(values),
    ci: estimate?.ci ?? null,
    n: values.length,
    boots: 0,
    method: "median over the rounds, 95 % percentile bootstrap over rounds",
    samples: values,
  };
}

function counted(rounds: readonly CountedRound[]): Reading {
  const { value, ci, method, n } = countedEstimate(rounds);
  const boots = new Set(rounds.map((round) => round.boot)).size;
  return { value, ci, n, boots, method, samples: [] };
}

function metricsOf(base: Case, candidate: Case): string[] {
  const rank = (name: string) => (METRIC_ORDER.indexOf(name) + 1 || METRIC_ORDER.length + 1) - 1;
  const names = new Set([...Object.keys(base.metrics), ...Object.keys(candidate.metrics)]);
  return [...names].toSorted((a, b) => rank(a) - rank(b));
}
