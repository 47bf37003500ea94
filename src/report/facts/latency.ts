/** A stage's number: the median of what was timed, or in counted time the mode with its interval. */
import { type Case, type Latency, type Run, STAGES, type Stage } from "../../document/run.ts";
import { percent } from "../../text/units.ts";

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

/** What the stage is known by. */
export function headlineOf({ unit, estimate, p50 }: Latency): {
  readonly value: number;
  readonly ci: readonly [number, number] | null;
} {
  if (unit === "ns" || estimate === null) return { value: p50, ci: null };
  return { value: estimate.value, ci: estimate.ci };
}

export const HEADLINE_WORDS: Record<Latency["unit"], string> = {
  ns: "median",
  instructions: "mode",
};

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
