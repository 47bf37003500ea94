import type { SelftestPart } from "../../document/selftest.ts";
import { findingsOf, headlinesOf, isChange, isFlagged } from "../../stats/compare/paired.ts";
import { doing, type Schedule } from "../engine/schedule.ts";
import { CaseFold } from "../fold/case-fold.ts";
import { planVersus } from "../plan/versus-plan.ts";
import { session } from "./pairs.ts";

/** What is compared, how often, and how long each measurement may take. */
export interface SelftestStep {
  what: string;
  base: string;
  candidate: string;
  comparisons: number;
  budgetNs: number;
}

export type SelftestComparison = SelftestPart["comparisons"][number];

const WORKLOAD = "forward";

/** Compares again and again, as `bench --vs` does with a margin of 0; `found` is told each comparison. */
export function* selftest(
  steps: readonly SelftestStep[],
  seed: number,
  found: (step: number, comparison: SelftestComparison) => void,
): Schedule {
  let next = seed;
  for (const [index, step] of steps.entries()) {
    for (let done = 0; done < step.comparisons; done++) {
      const { at } = yield* doing({ act: "begin", id: step.what });
      found(index, yield* compareOnce(step, next, at));
      yield* doing({ act: "end" });
      next += 2;
    }
  }
}

function* compareOnce(
  { base, candidate, budgetNs }: SelftestStep,
  seed: number,
  beganAt: number,
): Schedule<SelftestComparison> {
  const plan = planVersus({ topology: [base], vs: candidate, workload: [WORKLOAD], margin: 0 });
  const [planned] = plan.cases;
  if (planned === undefined) throw new RangeError("a comparison without a case");
  const cases = {
    base: new CaseFold(planned.base, { slot: "base", seed }),
    candidate: new CaseFold(planned.candidate, { slot: "candidate", seed }),
  };
  const { alpha, margin } = plan;
  const roundNs = planned.base.durationNs;
  const measure = function* (measurement: number, began: number) {
    const one = { measurement, seed: seed + measurement - 1, budgetNs, pairs: null };
    const ended = yield* session(
      { ...one, roundNs, margin, alpha },
      { planned, cases, beganAt: began, refuse: false },
    );
    const done = cases.base.soFar.sessions?.[measurement - 1];
    if (done === undefined) throw new RangeError("a measurement without a session");
    const metrics = headlinesOf(cases.base.soFar);
    return {
      ended,
      findings: findingsOf(cases.base.soFar, cases.candidate.soFar, done, { margin, metrics }),
    };
  };
  const first = yield* measure(1, beganAt);
  const found = isFlagged(first.findings);
  const again = found ? (yield* measure(2, first.ended)).findings : [];
  const declared = first.findings.some(
    (one) =>
      isChange(one) &&
      again.some((other) => other.metric === one.metric && other.says === one.says),
  );
  const [headline] = first.findings;
  if (headline?.ratio == null) throw new RangeError("a comparison without a pair");
  const { ratio, ci } = headline.ratio;
  return { seed, pairs: headline.base.length, ratio, ci, p: headline.p, found, declared };
}
