import type { Comparison } from "../document/compare.ts";
import type { Run } from "../document/run.ts";
import { compareRuns } from "../stats/compare/runs.ts";
import { prepare, type RunOptions } from "./bench.ts";
import { VersusFold } from "./fold/versus-fold.ts";
import type { Both } from "./plan/sides.ts";
import { type VersusPlan, versusSteps } from "./plan/versus-plan.ts";
import { versus } from "./schedules/versus.ts";

/** Both sides' documents, and the verdicts on them. */
export interface Versus extends Both<Run> {
  comparison: Comparison;
}

/**
 * Measures two variants side by side and compares them. Throws a UsageError or a PrerequisiteError before anything is
 * measured, or for a budget that cannot carry a verdict, and never for what a case does: that is in the documents.
 */
export async function runVersus(plan: VersusPlan, options: RunOptions): Promise<Versus> {
  const cases = plan.cases.flatMap(({ base, candidate }) => [base, candidate]);
  const both = { cases, cpus: plan.cpus, ladder: false };
  const experiment = await prepare(both, versusSteps(plan), options);
  const { signal, seed, clock } = experiment;
  const begun = await experiment.begin("versus", null);
  const fold = new VersusFold(begun, plan, seed);
  await experiment.perform(versus(plan, seed), fold, null);
  const runs = fold.documents({ interrupted: signal.aborted, durationNs: clock() });
  const { margin } = plan;
  const { argv } = begun.provenance;
  return { ...runs, comparison: compareRuns(runs.base, runs.candidate, { margin, argv }) };
}
