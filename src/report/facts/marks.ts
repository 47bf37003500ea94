import type { Case, Run } from "../../document/run.ts";
import { unsteadiness } from "../../stats/unsteady.ts";
import { FOREIGN } from "./foreign.ts";
import type { Series } from "./metrics.ts";

/** What stands beside a case's number: a word each. What is about all its numbers stands beside the `first`. */
export function marksOf(run: Run, item: Case, series: Series, first: boolean): string[] {
  const foreign = first && item.foreignProbes !== undefined && item.foreignProbes.length > 0;
  return [...(foreign ? [FOREIGN] : []), ...unsteady(run, item, series)];
}

/** Where the rounds spread or drift. Of pairs their ratio is what counts, and instructions do neither. */
function unsteady(run: Run, item: Case, series: Series): string[] {
  if (run.environment.clock === "icount" || item.sessions !== undefined) return [];
  const counted = series.samples.filter(({ discarded }) => discarded === null);
  const { spread, drift } = unsteadiness(counted.map(({ value }) => value));
  return [
    ...(spread === null ? [] : [`spread ${Math.round(spread * 100)} %`]),
    ...(drift === null ? [] : [`lag-1 ${drift.toFixed(2)}`]),
  ];
}
