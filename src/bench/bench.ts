import { randomBytes, randomInt } from "node:crypto";
import { environment } from "../doctor/index.ts";
import { type Case, RUN_SCHEMA, type Run, runSchema } from "../document/run.ts";
import { programHashes } from "../probes/programs.ts";
import { runLadder } from "../setup/checks/index.ts";
import { threadCpus } from "../system/libc.ts";
import { version } from "../version.ts";
import { type CaseContext, runCase } from "./case.ts";
import { checkFeatures } from "./features.ts";
import type { Plan, PlannedCase } from "./plan.ts";

export interface RunOptions {
  /** The command line that a person would type to get this run again. */
  argv: readonly string[];
  /** Draws every random order of the run; drawn itself when absent. */
  seed?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: RunProgress) => void) | undefined;
}

export interface RunProgress {
  /** Cases that are done, and how many there are. */
  done: number;
  total: number;
  /** The case in hand, or the walk's checks. */
  current: string;
  what: string;
}

/**
 * Executes a plan once. Throws a PrerequisiteError, before anything is measured, for a topology that this
 * kernel cannot build. Never throws for what a case does: a case that fails or is interrupted says
 * so in the document, and the finished rounds stay.
 */
export async function runPlan(plan: Plan, options: RunOptions): Promise<Run> {
  const startedAt = new Date();
  const began = process.hrtime.bigint();
  const signal = options.signal ?? new AbortController().signal;
  await checkFeatures(plan);
  const seed = options.seed ?? randomInt(2 ** 31);
  const run: Run = {
    schema: RUN_SCHEMA,
    id: runId(startedAt),
    state: "complete",
    startedAt: startedAt.toISOString(),
    durationNs: 0,
    provenance: {
      argv: [...options.argv],
      version,
      plan: plan.name,
      seed,
      programs: programHashes(),
    },
    environment: await environment(),
    checks: [],
    cases: [],
  };
  const report = (current: string, done: number) => (what: string) =>
    options.onProgress?.({ done, total: plan.cases.length, current, what });
  if (plan.ladder && !signal.aborted) {
    report("checks", 0)("walking from namespace to bridge");
    run.checks = await runLadder();
  }
  for (const [index, planned] of plan.cases.entries()) {
    if (signal.aborted) break;
    const progress = report(planned.id, index);
    run.cases.push(await runSoundly(planned, { signal, seed, cpus: threadCpus(), progress }));
  }
  run.durationNs = Number(process.hrtime.bigint() - began);
  run.state = signal.aborted ? "interrupted" : stateOf(run);
  return runSchema.parse(run);
}

/** Attempts at a case whose account is not whole before it is reported as it is. */
const ATTEMPTS = 3;

/**
 * Under contention for the CPUs the kernel now and then runs no probe for a burst of frames, and the
 * books say so. Such an account is worth nothing, so the case is measured anew, whole, and a warning
 * keeps what was wrong with the attempts before.
 */
async function runSoundly(planned: PlannedCase, context: CaseContext): Promise<Case> {
  const warnings: string[] = [];
  for (let attempt = 1; ; attempt++) {
    const result = await runCase(planned, context);
    result.warnings.unshift(...warnings);
    const faults = faultsOf(result);
    if (result.state !== "complete" || faults.length === 0 || attempt === ATTEMPTS) return result;
    warnings.push(`measured again, because in attempt ${attempt} ${faults.join("; ")}`);
  }
}

function faultsOf(one: Case): string[] {
  const unaccounted = one.bridge?.unaccounted ?? 0;
  return [
    ...(unaccounted > 0 ? [`${unaccounted} frames were unaccounted`] : []),
    ...(one.probe?.degraded ?? []),
  ];
}

function stateOf(run: Run): Run["state"] {
  return run.cases.some((one) => one.state === "failed") ? "failed" : "complete";
}

/** True when every check passed, every case is complete, its books balance and its probes saw all. */
export function isSound(run: Run): boolean {
  return (
    run.state === "complete" &&
    run.checks.every((check) => check.passed) &&
    run.cases.every((one) => one.state === "complete" && faultsOf(one).length === 0)
  );
}

function runId(at: Date): string {
  const stamp = at.toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  return `${stamp}-${randomBytes(2).toString("hex")}`;
}
