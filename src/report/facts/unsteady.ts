import type { Case, Run } from "../../document/run.ts";
import { unsteadiness } from "../../stats/unsteady.ts";
import type { Series } from "./metrics.ts";

/** What stands beside a case's number where its rounds spread or drift: a word each. Of pairs their ratio is what counts. */
export function unsteadyMarks(run: Run, item: Case, series: Series): string[] {
  if (run.environment.clock === "icount" || item.sessions !== undefined) return [];
  const counted = series.samples.filter(({ discarded }) => discarded === null);
  const { spread, drift } = unsteadiness(counted.map(({ value }) => value));
  return [
    ...(spread === null ? [] : [`spread ${Math.round(spread * 100)} %`]),
    ...(drift === null ? [] : [`lag-1 ${drift.toFixed(2)}`]),
  ];
}
