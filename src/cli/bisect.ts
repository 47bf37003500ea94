import type { Comparison } from "../document/compare.ts";
import { STAGES } from "../document/run.ts";

/** What `git bisect run` takes for "this commit cannot be judged". */
export const SKIP = 125;
const GOOD = 0;
const BAD = 1;

/**
 * What a comparison says of a commit, as `git bisect run` reads it. The bridge's stages decide; what the
 * workload itself measures, its sender's own code included, decides only where no stage was seen.
 */
export function bisectStatus({ verdicts }: Pick<Comparison, "verdicts">): number {
  const stages = verdicts.filter(({ metric }) => STAGES.some((stage) => stage === metric));
  const deciding = (stages.length > 0 ? stages : verdicts).map(({ verdict }) => verdict);
  if (deciding.includes("regression")) return BAD;
  return deciding.length === 0 || deciding.includes("inconclusive") ? SKIP : GOOD;
}
