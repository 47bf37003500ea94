import type { Comparison } from "../document/compare.ts";
import type { Run } from "../document/run.ts";
import { type CompareOptions, compareRuns, type RunSet } from "../stats/compare/runs.ts";
import { UsageError } from "../system/errors.ts";
import { readRuns } from "./runs.ts";

/** One side of a comparison: where its run, or its runs, are stored (see readRuns), or they themselves. */
export type StoredRuns = string | Run | readonly Run[];

const NAMED = 4;

/**
 * Compares runs that were made before, each candidate with the base. Throws a UsageError for a document that cannot be
 * used, and where a candidate has no case that the base has.
 */
export function compareStored(
  base: StoredRuns,
  candidates: readonly StoredRuns[],
  options: CompareOptions = {},
): Comparison {
  if (candidates.length === 0) throw new UsageError("a comparison needs a candidate");
  const left = setOf(base, "base");
  const right = candidates.map((one) => setOf(one, "candidate"));
  for (const one of right) checkShared(left, one);
  return compareRuns(left, right, options);
}

function setOf(one: StoredRuns, side: string): RunSet {
  if (typeof one === "string") return readRuns(one);
  const runs = "schema" in one ? [one] : one;
  if (runs.length === 0) throw new UsageError(`the ${side} has no run`);
  return { label: side, runs };
}

function checkShared(base: RunSet, candidate: RunSet): void {
  if (sidesOfOneSession(base, candidate)) return;
  const [before, after] = [idsOf(base), idsOf(candidate)];
  if (before.some((id) => after.includes(id))) return;
  throw new UsageError(
    `no case is in both: ${base.label} has ${listed(before)}, and ${candidate.label} has ${listed(after)}`,
  );
}

/** Their cases are of two variants, and matched by their place. */
function sidesOfOneSession({ runs: [a] }: RunSet, { runs: [b] }: RunSet): boolean {
  return a?.pairing !== undefined && a.pairing.session === b?.pairing?.session;
}

function idsOf({ runs }: RunSet): string[] {
  return [...new Set(runs.flatMap(({ cases }) => cases.map(({ id }) => id)))];
}

function listed(ids: readonly string[]): string {
  if (ids.length === 0) return "none";
  const more = ids.length > NAMED ? ` and ${ids.length - NAMED} more` : "";
  return `${ids.slice(0, NAMED).join(", ")}${more}`;
}
