import type { RoundProgress, RunProgress } from "../document/progress.ts";
import { METRICS, type MetricName } from "../document/run.ts";
import { caseNs, estimateSlopesNs, LADDER_NS, type Plan, type PlannedCase } from "./plan.ts";
import type { RoundResult } from "./workloads/workload.ts";

/** Tells where one case stands. */
export interface CaseProgress {
  /** A word on what is being done now. */
  progress(what: string): void;
  /** The measured round of that index, from 1 on, is finished. */
  finished(index: number, metrics: RoundResult["metrics"]): void;
}

export interface Progress {
  /** A word on what is being done before the first case. */
  preparing(current: string, what: string): void;
  /** This case, or the slopes behind the last, at that place of the plan, begins, or begins anew; all its rounds. */
  begin(step: Pick<PlannedCase, "id" | "rounds" | "durationNs">, index: number): CaseProgress;
}

/** Follows a plan from now on and tells `tell` each step. `now` gives nanoseconds of any clock that never goes back. */
export function progressOf(
  plan: Plan,
  tell: (progress: RunProgress) => void,
  now: () => number = () => Number(process.hrtime.bigint()),
): Progress {
  const began = now();
  const plannedNs = [
    ...plan.cases.map((planned) => caseNs(planned, plan.backend)),
    ...(plan.slopes === null ? [] : [estimateSlopesNs(plan.slopes)]),
  ];
  const total = plannedNs.length;
  const tookNs: number[] = [];
  let caseBegan = began;
  return {
    preparing: (current, what) => {
      const elapsedNs = now() - began;
      const ladderNs = plan.ladder ? Math.max(0, LADDER_NS - elapsedNs) : 0;
      const remainingNs = ladderNs + remaining({ plannedNs, tookNs, spentNs: 0, leastNs: 0 });
      const common = { done: 0, total, current, what, rounds: null, elapsedNs, remainingNs };
      tell({ ...common, event: "phase", round: null });
    },
    begin: (planned, index) => {
      if (index > tookNs.length) tookNs.push(now() - caseBegan);
      caseBegan = now();
      const rounds = { done: 0, total: planned.rounds };
      let what = "";
      let last: RoundProgress | null = null;
      const standing = () => {
        const leastNs = (rounds.total - rounds.done) * planned.durationNs;
        return {
          done: index,
          total,
          current: planned.id,
          what,
          rounds: { ...rounds },
          elapsedNs: now() - began,
          remainingNs: remaining({ plannedNs, tookNs, spentNs: now() - caseBegan, leastNs }),
        };
      };
      return {
        progress: (next) => {
          what = next;
          tell({ ...standing(), event: "phase", round: last });
        },
        finished: (round, metrics) => {
          rounds.done = round;
          last = headline(round, metrics);
          if (last !== null) tell({ ...standing(), event: "round", round: last });
        },
      };
    },
  };
}

interface Pace {
  /** What each case of the plan was thought to take, in nanoseconds. */
  plannedNs: readonly number[];
  /** What the finished ones really took, from the first on. */
  tookNs: readonly number[];
  /** What the case in hand has taken so far. */
  spentNs: number;
  /** What the case in hand cannot do without: its rounds to come. */
  leastNs: number;
}

/** Nanoseconds that the rest of the plan will take, if it keeps to the plan as the finished cases did. */
export function remaining({ plannedNs, tookNs, spentNs, leastNs }: Pace): number {
  const [inHand = 0, ...later] = plannedNs.slice(tookNs.length);
  const planned = sum(plannedNs.slice(0, tookNs.length));
  const pace = planned > 0 ? sum(tookNs) / planned : 1;
  return Math.max(inHand * pace - spentNs, leastNs, 0) + sum(later) * pace;
}

/** The first rate that the round has; without one its first metric. Null without any. */
export function headline(index: number, metrics: RoundResult["metrics"]): RoundProgress | null {
  const names = (Object.keys(METRICS) as MetricName[]).filter(
    (name) => metrics[name] !== undefined,
  );
  const metric = names.find((name) => METRICS[name].unit.endsWith("/s")) ?? names[0];
  const value = metric === undefined ? undefined : metrics[metric];
  if (metric === undefined || value === undefined) return null;
  return { index, metric, value, unit: METRICS[metric].unit };
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
