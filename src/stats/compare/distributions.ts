import type { Comparison } from "../../document/compare.ts";
import { type Case, STAGES, type Stage } from "../../document/run.ts";
import { type Bucket, mergeBuckets } from "../histogram.ts";
import { casesNamed, isPaired, isTimeless, type Labelled, type Pair } from "./pair.ts";

type Distribution = NonNullable<Comparison["distributions"]>[number];

/** As many as a figure can show. */
const STEPS = 48;

/** Stages that the base and at least one candidate timed, in steps that can be drawn; empty for runs in pairs, which have no probes. */
export function distributionsOf(pairs: readonly Pair[]): Distribution[] {
  const [first] = pairs;
  if (first === undefined || pairs.some(isPaired)) return [];
  const sides = [first.base, ...pairs.map((pair) => pair.candidate)];
  if (sides.some(({ run }) => isTimeless(run))) return [];
  const ids = [...new Set(first.base.runs.flatMap(({ cases }) => cases.map(({ id }) => id)))];
  return ids.flatMap((id) =>
    STAGES.flatMap((stage) => {
      const known = sides.flatMap((side) => ofStage(side, id, stage) ?? []);
      const [base, ...others] = known;
      const shared = base?.side === first.base.label && others.length > 0;
      return shared ? drawable(known) : [];
    }),
  );
}

function ofStage(side: Labelled, id: string, stage: Stage): Distribution | null {
  const found = casesNamed(side, id).flatMap(({ item }) => timed(item, stage) ?? []);
  const [one] = found;
  if (one === undefined) return null;
  const buckets = mergeBuckets(found.flatMap((latency) => latency.buckets));
  return { case: id, side: side.label, stage, unit: one.unit, buckets };
}

function timed(item: Case, stage: Stage) {
  const latency = item.latency[stage];
  return latency === undefined || latency.buckets.length === 0 ? null : latency;
}

/** On one logarithmic grid, so that the sides can be laid one below the other. */
function drawable(known: readonly Distribution[]): Distribution[] {
  const all = known.flatMap(({ buckets }) => buckets);
  const low = Math.max(1, Math.min(...all.map(([lo]) => lo)));
  const high = Math.max(low + 1, ...all.map(([, hi]) => hi));
  const edge = (step: number) => low * (high / low) ** (step / STEPS);
  const stepOf = ([lo, hi]: Bucket) => {
    const middle = Math.max(low, (lo + hi) / 2);
    return Math.min(STEPS - 1, Math.floor((Math.log(middle / low) / Math.log(high / low)) * STEPS));
  };
  return known.map((one) => {
    if (one.buckets.length <= STEPS) return one;
    const steps = one.buckets.map((bucket): Bucket => {
      const step = stepOf(bucket);
      return [edge(step), edge(step + 1), bucket[2]];
    });
    return { ...one, buckets: mergeBuckets(steps) };
  });
}
