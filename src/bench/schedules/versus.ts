import { findingsOf, headlinesOf, isFlagged } from "../../stats/compare/paired.ts";
import { ActionFailed, doing, type Schedule } from "../engine/schedule.ts";
import { CaseFold } from "../fold/case-fold.ts";
import type { PlannedCase } from "../plan/plan.ts";
import { type Both, SIDES } from "../plan/sides.ts";
import type { VersusPlan } from "../plan/versus-plan.ts";
import { session } from "./pairs.ts";

/** Two variants under the same workloads, case by case: each measured once, and once more where something was found. */
export function* versus(plan: VersusPlan, seed: number): Schedule {
  for (const [index, planned] of plan.cases.entries()) {
    const { at } = yield* doing({ act: "begin", id: planned.base.id });
    try {
      yield* versusCase(plan, planned, { seed: seed + 2 * index, at, first: index === 0 });
    } catch (error) {
      if (!(error instanceof ActionFailed)) throw error;
    }
    yield* doing({ act: "end" });
  }
}

interface Start {
  seed: number;
  at: number;
  /** Nothing is lost yet if the budget is refused. */
  first: boolean;
}

function* versusCase(
  plan: VersusPlan,
  planned: Both<PlannedCase>,
  { seed, at, first }: Start,
): Schedule {
  const cases = {
    base: new CaseFold(planned.base, { slot: "base", seed }),
    candidate: new CaseFold(planned.candidate, { slot: "candidate", seed }),
  };
  const measure = (measurement: number, beganAt: number) =>
    session(
      {
        measurement,
        seed: seed + measurement - 1,
        roundNs: planned.base.durationNs,
        budgetNs: plan.budgetNs,
        pairs: plan.pairs,
        margin: plan.margin,
        alpha: plan.alpha,
      },
      { planned, cases, beganAt, refuse: first && measurement === 1 },
    );
  const ended = yield* measure(1, at);
  if (flagged(cases, plan.margin)) yield* measure(2, ended);
}

/** Whether the first measurement found a change, which has to be found again before it is declared. */
function flagged(cases: Both<CaseFold>, margin: number): boolean {
  const [base, candidate] = SIDES.map((side) => cases[side].soFar);
  const one = base?.sessions?.[0];
  if (base === undefined || candidate === undefined || one === undefined) return false;
  return isFlagged(findingsOf(base, candidate, one, { margin, metrics: headlinesOf(base) }));
}
