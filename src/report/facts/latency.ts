/** What a stage is known by, and what stands beside its numbers. */
import {
  type Case,
  type Latency,
  type Run,
  STAGES,
  type Stage,
  type TimeCheck,
} from "../../document/run.ts";
import { type Bucket, withoutObserver } from "../../stats/histogram.ts";
import { digits, duration, percent, span } from "../../text/units.ts";

export interface TimedStage {
  readonly item: Case;
  readonly stage: Stage;
  readonly latency: Latency;
}

/** In the order of the cases and stages. */
export function stagesIn(run: Run, unit: Latency["unit"]): TimedStage[] {
  return run.cases.flatMap((item) =>
    STAGES.flatMap((stage) => {
      const latency = item.latency[stage];
      return latency === undefined || latency.unit !== unit ? [] : [{ item, stage, latency }];
    }),
  );
}

export interface Headline {
  readonly value: number;
  readonly ci: readonly [number, number] | null;
  readonly words: "mean" | "median" | "mode";
}

/** Net: the mean over sessions, the median where there was one session, in counted time the mode. Null where withheld. */
export function headlineOf({ unit, estimate, p50, sampled, withheld }: Latency): Headline | null {
  if (withheld !== null || sampled === 0) return null;
  if (estimate !== null) {
    return { value: estimate.value, ci: estimate.ci, words: unit === "ns" ? "mean" : "mode" };
  }
  return p50 === null ? null : { value: p50, ci: null, words: "median" };
}

/** The percentiles that are net. */
export interface NetTimes {
  readonly p10: number;
  readonly p50: number;
  readonly p90: number;
}

/** Null where they are withheld. */
export function netTimes({ p10, p50, p90, sampled, withheld }: Latency): NetTimes | null {
  if (withheld !== null || sampled === 0) return null;
  return p10 === null || p50 === null || p90 === null ? null : { p10, p50, p90 };
}

/** The histogram less the probes' own share; null where that is not known, or net numbers are withheld. */
export function netBuckets(latency: Latency): Bucket[] | null {
  const { observer, raw } = latency;
  if (netTimes(latency) === null || observer === null) return null;
  return withoutObserver(raw.buckets, observer.value);
}

/** What has to be known beside a stage's numbers: why it has none that are net, or that the probes are most of it. */
export function notesOf({ withheld, observer, raw, sampled }: Latency): string[] {
  if (withheld !== null) return [`net times withheld: ${withheld}`];
  if (sampled === 0 || observer === null || observer.value * 2 <= raw.p50) return [];
  return ["more than half of what was measured is the probes' own"];
}

/** How the net means (where they are shown) and the probes' share were found, each method once. */
export function methodsOf(stages: readonly TimedStage[], means = true): string[] {
  const all = (pick: (latency: Latency) => string | undefined) =>
    [...new Set(stages.flatMap(({ latency }) => pick(latency) ?? []))].join("; ");
  const mean = means ? all(({ estimate }) => estimate?.method) : "";
  const shares = all(({ observer }) => observer?.method);
  return [
    ...(mean === "" ? [] : [`mean: ${mean}`]),
    ...(shares === "" ? [] : [`probes: ${shares}`]),
  ];
}

export const TIME_CHECK_WORDS =
  "Time check: the net stages of a frame's way against what it took unobserved, means";

export interface TimeCheckLine {
  readonly text: string;
  readonly passed: boolean | null;
}

/** `stages 1.62 µs of 2.01 µs unobserved, 0.81 (0.78 .. 0.84): passed`; null where the case has none. */
export function timeCheckOf({ timeCheck }: Case): TimeCheckLine | null {
  if (timeCheck === undefined) return null;
  const { passed, reason } = timeCheck;
  if (passed === null)
    return { passed, text: `no verdict: ${reason ?? "not held against anything"}` };
  const verdict = passed ? "passed" : `FAILED: ${reason ?? "the stages are more than the whole"}`;
  return { passed, text: `${sumOf(timeCheck)}: ${verdict}` };
}

function sumOf({ stages, sum, unobserved, ratio, ci }: TimeCheck): string {
  if (sum === null || unobserved === null || ratio === null) return "stages";
  const names = Object.keys(stages).join(" + ");
  const of = names === "" ? "" : ` (${names})`;
  const range = ci === null ? "" : ` (${ci.map(digits).join(" .. ")})`;
  return `stages ${duration(sum)}${of} of ${duration(unobserved.value)} unobserved, ${digits(ratio)}${range}`;
}

/** `1.02 µs (0.980 .. 1.06 µs, n = 4)`: the net mean with its interval; null where there is none. */
export function estimateText({ estimate, unit, withheld }: Latency): string | null {
  if (estimate === null || withheld !== null) return null;
  const [low, high] = estimate.ci;
  return `${duration(estimate.value)} (${span(low, high, unit)}, n = ${estimate.n})`;
}

/** The share of passages that took exactly what is usual in their round: the rest met a timer tick. */
export function agreement({ perRound = [] }: Latency): string {
  const sum = (key: "n" | "of") => perRound.reduce((total, round) => total + round[key], 0);
  return perRound.length === 0 ? "-" : percent(sum("n"), sum("of"));
}

/** The rounds' values in the order of the rounds, with the boot each was measured in. */
export function bootsOf(item: Case, { perRound = [] }: Latency): number {
  const indices = new Set(perRound.map((one) => one.round));
  const rounds = item.rounds.filter((round) => indices.has(round.index));
  return new Set(rounds.map((round) => round.boot ?? 0)).size;
}
