/** What the runs of one side say of one stage or metric of a case. */
import { type Case, type Latency, METRICS, type Run, type Stage } from "../../document/run.ts";
import { estimateOf, type Resampled, resample } from "../bootstrap.ts";
import { type CountedRound, countedEstimate } from "../counted.ts";
import { median } from "../quantile.ts";
import { countedSamples } from "../samples.ts";
import { bootOf, casesNamed, type Labelled } from "./pair.ts";

export interface Reading {
  readonly unit: string;
  readonly better: "lower" | "higher";
  readonly value: number;
  readonly ci: [number, number] | null;
  /** Rounds that it was made of; 0 where the document does not say. */
  readonly n: number;
  /** Boots that carry a counted interval; 0 for a reading by the clock. */
  readonly boots: number;
  readonly method: string;
  /** The rounds, where they have values of their own and no other run stands beside them. */
  readonly resampled: Resampled | null;
  /** Why it carries no verdict, or null. */
  readonly flaw: string | null;
}

interface Seen {
  readonly run: Run;
  readonly item: Case;
}

const INSTRUCTIONS = "instructions";

/** By the clock one a run; in instructions one of all boots of all runs. Empty where there are no net times. */
export function stageReadings(side: Labelled, id: string, stage: Stage): Reading[] {
  const timed = casesNamed(side, id).flatMap(({ run, item }) => {
    const latency = item.latency[stage];
    const { p50 = null } = latency ?? {};
    return latency === undefined || p50 === null ? [] : [{ run, item, latency, p50 }];
  });
  const rounds = timed.flatMap((one) => countedRounds(one, one.latency));
  const flaw = flawOf(timed) ?? (timed.map(({ item }) => degraded(item)).find(Boolean) || null);
  if (rounds.length > 0) return [{ ...counted(rounds), flaw }];
  return timed.map(({ item, latency, p50 }) => {
    const { estimate, unit } = latency;
    return {
      unit,
      better: "lower",
      value: estimate?.value ?? p50,
      ci: estimate?.ci ?? null,
      n: estimate?.n ?? 0,
      boots: 0,
      method: estimate?.method ?? "median of the frames that were timed, net",
      resampled: null,
      flaw: flawOf([{ item }]) ?? degraded(item),
    };
  });
}

/**
 * The same of a metric; of the rounds that count. Empty where none has it. The interval of a run by the clock is of
 * use only where it is `alone`, and is null otherwise.
 */
export function metricReadings(
  side: Labelled,
  id: string,
  name: string,
  alone: boolean,
): Reading[] {
  const seen = casesNamed(side, id).map(({ run, item }) => {
    return { run, item, samples: countedSamples(item, name) };
  });
  const measured = seen.filter(({ samples }) => samples.length > 0);
  const [first] = measured;
  if (first === undefined) return [];
  const { unit = "", better = "lower" } = first.item.metrics[name] ?? {};
  if (unit === INSTRUCTIONS) {
    const rounds = measured.flatMap(({ run, samples }) =>
      samples.map(({ value, round }) => ({ value, boot: bootOf(run, round ?? {}) })),
    );
    return [{ ...counted(rounds), better, flaw: flawOf(measured) }];
  }
  return measured.map(({ run, item, samples }) => {
    const values = samples.map((sample) => sample.value);
    const resampled = alone ? resample(values, run.provenance.seed) : null;
    return {
      unit: item.metrics[name]?.unit ?? unit,
      better,
      value: median(values),
      ci: resampled === null ? null : (estimateOf(resampled)?.ci ?? null),
      n: values.length,
      boots: 0,
      method: "median over the rounds, 95 % percentile bootstrap over rounds",
      resampled,
      flaw: flawOf([{ item }]),
    };
  });
}

/** The metrics that either side has, in the order of METRICS and then of the documents. */
export function metricNames(sides: readonly Labelled[], id: string): string[] {
  const order = Object.keys(METRICS);
  const rank = (name: string) => (order.indexOf(name) + 1 || order.length + 1) - 1;
  const names = sides.flatMap((side) =>
    casesNamed(side, id).flatMap(({ item }) => Object.keys(item.metrics)),
  );
  return [...new Set(names)].toSorted((a, b) => rank(a) - rank(b));
}

function flawOf(all: readonly Pick<Seen, "item">[]): string | null {
  const broken = all.find(({ item }) => item.state !== "complete");
  return broken === undefined ? null : `case is ${broken.item.state}`;
}

/** What a probe missed may be just the slow frames, or the fast ones. */
function degraded({ probe }: Case): string | null {
  if (probe === undefined) return null;
  const { lost, missed, degraded: reasons } = probe;
  if (lost + missed + reasons.length === 0) return null;
  const counts = lost + missed === 0 ? [] : [`${lost} events lost and ${missed} missed`];
  return `probe is degraded: ${[...reasons, ...counts].join("; ")}`;
}

function countedRounds({ run, item }: Seen, latency: Latency): CountedRound[] {
  if (latency.unit !== INSTRUCTIONS) return [];
  return (latency.perRound ?? []).flatMap(({ round, value }) => {
    const of = item.rounds.find((one) => one.index === round);
    return of === undefined || of.discarded !== null ? [] : [{ value, boot: bootOf(run, of) }];
  });
}

function counted(rounds: readonly CountedRound[]): Omit<Reading, "flaw"> {
  const { value, ci, method, n } = countedEstimate(rounds);
  const boots = new Set(rounds.map((round) => round.boot)).size;
  return { unit: INSTRUCTIONS, better: "lower", value, ci, n, boots, method, resampled: null };
}
