import type { CountedStage } from "../../probes/counted.ts";
import { ActionFailed, doing, type Schedule, takeDown } from "../engine/schedule.ts";
import { isWatched, MARGINAL, type Plan, TRUTH } from "../plan/plan.ts";
import { icountRounds } from "./icount.ts";
import { marginalCosts } from "./marginal.ts";
import { caseRounds } from "./rounds.ts";
import { truthRows } from "./truth.ts";

export interface PlanContext {
  seed: number;
  clock: "wall" | "icount";
  /** Whether stages can be timed on this machine. */
  timed: boolean;
  /** Why a stage cannot be counted in instructions here; null where nothing is probed. */
  refusal: ((stage: CountedStage) => string | null) | null;
}

/** A plan: the checks, its cases one after the other, and what one more of a thing costs. */
export function* runPlan(plan: Plan, { seed, clock, timed, refusal }: PlanContext): Schedule {
  if (plan.ladder) yield* doing({ act: "check", say: "walking from namespace to bridge" });
  for (const planned of plan.cases) {
    const watched = isWatched(planned, plan.backend, clock);
    const error = yield* oneCase(
      planned.id,
      clock === "icount"
        ? icountRounds(planned, watched ? refusal : null)
        : caseRounds(planned, { watched, timed }),
    );
    // Without its probes no case that follows can be better.
    if (error?.tool === "bpftrace") break;
  }
  if (plan.truth !== null && timed) yield* oneCase(TRUTH, truthRows(plan.truth, seed));
  if (plan.marginal !== null) yield* oneCase(MARGINAL, marginalCosts(plan.marginal, seed));
}

/** Never throws for what a case does; gives what it failed with, or null. */
function* oneCase(id: string, schedule: Schedule): Schedule<ActionFailed["event"] | null> {
  yield* doing({ act: "begin", id });
  let failed: ActionFailed["event"] | null = null;
  try {
    yield* schedule;
  } catch (error) {
    if (!(error instanceof ActionFailed)) throw error;
    failed = error.event;
  } finally {
    yield* takeDown();
  }
  yield* doing({ act: "end" });
  return failed;
}
