/** What the searches of a run tried: the highest value that passed, and the lowest that failed. */
import type { Case, Run } from "../../document/run.ts";
import { count, quantity } from "../../text/units.ts";

export const SEARCH_WORDS =
  "A trial passes when every frame reached the host it was for and, where addresses are searched, none was flooded.";

export interface SearchRow {
  readonly id: string;
  readonly trials: string;
  /** `-` where none did. */
  readonly passed: string;
  readonly failed: string;
  /** Loss of the lowest trial that failed. */
  readonly loss: string;
}

/** One row a case that searched. */
export function searchRows(run: Run): SearchRow[] {
  return run.cases.flatMap((item) =>
    item.trials === undefined || item.trials.length === 0 ? [] : [rowOf(item, item.trials)],
  );
}

function rowOf({ id }: Case, trials: NonNullable<Case["trials"]>): SearchRow {
  const ordered = trials.toSorted((a, b) => a.offered - b.offered);
  const passed = ordered.findLast((trial) => trial.passed);
  const failed = ordered.find((trial) => !trial.passed);
  return {
    id,
    trials: count(trials.length),
    passed: passed === undefined ? "-" : quantity(passed.offered, passed.unit),
    failed: failed === undefined ? "-" : quantity(failed.offered, failed.unit),
    loss: failed === undefined ? "-" : quantity(failed.loss, "ratio"),
  };
}
