import type { RunProgress } from "./bench/bench.ts";
import { runPlan } from "./bench/bench.ts";
import { type BenchRequest, planFor } from "./bench/request.ts";
import { formatPrerequisite, prerequisites } from "./doctor/index.ts";
import type { Run } from "./document/run.ts";
import { PrerequisiteError } from "./system/errors.ts";

export type { RunProgress } from "./bench/bench.ts";
export { isSound } from "./bench/bench.ts";
export type { BenchRequest } from "./bench/request.ts";
export { readRun } from "./bench/store.ts";
export type { Case, Check, Latency, Run } from "./document/run.ts";
export { RUN_SCHEMA, runSchema } from "./document/run.ts";
export { FORMATS, type ReportFormat } from "./report/formats.ts";
export { BridgescopeError, PrerequisiteError, ToolError, UsageError } from "./system/errors.ts";

export interface BenchOptions extends BenchRequest {
  /** `article`, `quick`, or the path of a YAML plan; not together with topology and workload. */
  plan?: string;
  /** Ends the run; the rounds that were finished are kept and the document is `interrupted`. */
  signal?: AbortSignal;
  onProgress?: (progress: RunProgress) => void;
}

/**
 * Runs a plan on this machine and returns its document. Nothing is written.
 * Throws a UsageError for a request that is wrong and a PrerequisiteError where the machine lacks
 * something, both before anything is touched; what a case does wrong is in the document.
 */
export async function bench(options: BenchOptions = {}): Promise<Run> {
  const { plan: name, signal, onProgress, ...request } = options;
  const { plan, seed } = planFor(name, request);
  const missing = await prerequisites("bench");
  if (missing.length > 0) throw new PrerequisiteError(missing.map(formatPrerequisite).join("\n"));
  return runPlan(plan, { argv: ["bench()"], seed, signal, onProgress });
}
