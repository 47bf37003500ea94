import { runPlan } from "./bench/bench.ts";
import { type BenchRequest, planFor } from "./bench/plan/request.ts";
import { type Running, runningOf } from "./bench/running.ts";
import { labNamespace } from "./cli/labs.ts";
import { requirePrerequisites } from "./doctor/index.ts";
import type { Comparison } from "./document/compare.ts";
import type { Explanation } from "./document/explain.ts";
import type { Lint } from "./document/lint.ts";
import type { WatchRecord } from "./document/watch.ts";
import type { ExplainOptions } from "./explain/explain.ts";
import { explainBridgeOrFlow } from "./explain/journey/explain-flow.ts";
import { type LintOptions, lintBridges } from "./explain/lint/lint.ts";
import { compareStored, type StoredRuns } from "./store/compare.ts";
import { type WatchOptions, watchBridges } from "./watch/watch.ts";

export { isSound } from "./bench/fold/faults.ts";
export type { BenchRequest } from "./bench/plan/request.ts";
export type { Running } from "./bench/running.ts";
export { type TrackOptions, track } from "./cli/track.ts";
export type { Comparison, Verdict } from "./document/compare.ts";
export { COMPARE_SCHEMA, compareSchema } from "./document/compare.ts";
export type { Explanation } from "./document/explain.ts";
export { EXPLAIN_SCHEMA, explainSchema } from "./document/explain.ts";
export type { Lint, LintFinding } from "./document/lint.ts";
export { LINT_SCHEMA, lintSchema } from "./document/lint.ts";
export type { RoundProgress, RunProgress } from "./document/progress.ts";
export type { Case, Check, Latency, RoundTrip, Run } from "./document/run.ts";
export { RUN_SCHEMA, runSchema } from "./document/run.ts";
export type { FdbEvent, WatchPort, WatchRecord } from "./document/watch.ts";
export { WATCH_SCHEMA, watchSchema } from "./document/watch.ts";
export type { ExplainOptions } from "./explain/explain.ts";
export type { LintOptions } from "./explain/lint/lint.ts";
export { FORMATS, type ReportFormat } from "./report/formats.ts";
export type { StoredRuns } from "./store/compare.ts";
export { readRun } from "./store/runs.ts";
export { BridgescopeError, PrerequisiteError, ToolError, UsageError } from "./system/errors.ts";
export type { WatchOptions } from "./watch/watch.ts";

export interface BenchOptions extends BenchRequest {
  /** `article`, `quick`, or the path of a YAML plan; not together with topology and workload. */
  plan?: string;
  /** Ends the run; the rounds that were finished are kept and the document is `interrupted`. */
  signal?: AbortSignal;
}

/**
 * Runs a plan on this machine: a promise of the run's document and an async iterable of its progress (see Running).
 * Nothing is written. Rejected with a UsageError for a request that is wrong and a PrerequisiteError where the
 * machine lacks something, both before anything is touched; what a case does wrong is in the document.
 */
export function bench(options: BenchOptions = {}): Running {
  const { plan: name, signal, ...request } = options;
  return runningOf(async (onProgress) => {
    const { plan, seed } = planFor(name, request);
    await requirePrerequisites("bench");
    return runPlan(plan, { argv: ["bench()"], seed, signal, onProgress });
  });
}

export interface CompareOptions {
  /** The smallest change worth a verdict, as a share; 0.02 by the clock and 0.002 in counted time when absent. */
  margin?: number;
}

/**
 * Compares stored runs with a base, one run a side or several: paths (see `bridgescope compare --help`), or the
 * documents. Rejected with a UsageError for one that cannot be used.
 */
export async function compare(
  base: StoredRuns,
  candidate: StoredRuns,
  { margin }: CompareOptions = {},
): Promise<Comparison> {
  return compareStored(base, [candidate], { margin, argv: ["compare()"] });
}

/**
 * Says why a bridge floods or loses frames: what its state tells, and, unless `probes` is false, which floods and losses
 * are seen within `seconds`; `findings` of kind `policy` are what somebody evidently asked for. Nothing on the bridge is changed, and no probe stays. Rejected with a UsageError where there is no such
 * bridge and a PrerequisiteError where it cannot be probed; where it is deleted meanwhile, `ended` says so and the
 * answer is of the time before.
 */
export async function explain(options: ExplainOptions = {}): Promise<Explanation> {
  return explainBridgeOrFlow(options, labNamespace);
}

/**
 * Says what in the configuration of a bridge, or of all of a namespace, floods or loses frames; nothing is changed, and no
 * frame is looked at. Rejected with a UsageError where there is no such bridge, a PrerequisiteError where another namespace
 * may not be entered, and a BridgescopeError when it is deleted meanwhile.
 */
export async function lint(options: LintOptions = {}): Promise<Lint> {
  return lintBridges(options, labNamespace);
}

/**
 * What bridges do, a record for each of them and each interval, until `seconds` have passed, `signal` is aborted, or
 * the loop is left. Nothing on them is changed, and no probe stays. Rejected with a UsageError where there is no such
 * bridge, a PrerequisiteError where it cannot be probed, and a BridgescopeError when the last one is deleted meanwhile.
 */
export function watch(options: WatchOptions = {}): AsyncGenerator<WatchRecord, void> {
  return watchBridges(options, labNamespace);
}
