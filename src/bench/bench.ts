import { randomBytes, randomInt } from "node:crypto";
import { environment } from "../doctor/index.ts";
import type { RunProgress } from "../document/progress.ts";
import { type Case, caseSchema, RUN_SCHEMA, type Run, runSchema } from "../document/run.ts";
import { chooseBackend, type ProbeBackend } from "../probes/backend.ts";
import { programHashes } from "../probes/programs.ts";
import { runLadder } from "../setup/checks/index.ts";
import { UsageError } from "../system/errors.ts";
import { threadCpus } from "../system/libc.ts";
import { version } from "../system/version.ts";
import { runCase } from "./case.ts";
import { runCountedCase } from "./counted.ts";
import { checkDescriptors } from "./descriptors.ts";
import { checkFeatures } from "./features.ts";
import { type Journal, NO_JOURNAL } from "./journal/journal.ts";
import type { InHand, Resumed } from "./journal/read.ts";
import {
  type CaseContext,
  isWatched,
  type Plan,
  type PlannedCase,
  roundsOf,
  slopesStep,
} from "./plan.ts";
import { progressOf } from "./progress.ts";
import { measureSlopes } from "./slopes.ts";

export interface RunOptions {
  /** The command line that a person would type to get this run again. */
  argv: readonly string[];
  /** Draws every random order of the run; drawn itself when absent. */
  seed?: number | undefined;
  /** What a nanosecond of this machine's clock is: time, or one instruction in a guest made for that. */
  clock?: Run["environment"]["clock"];
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: RunProgress) => void) | undefined;
  /** Where what is finished is written down, opened when the document has its id; nowhere when absent. */
  openJournal?: ((run: Run) => Journal) | undefined;
  /** What an earlier process had finished of this very plan. */
  resumed?: Resumed | undefined;
}

/**
 * Executes a plan once. Throws a UsageError or a PrerequisiteError, before anything is measured, for CPUs or descriptors that
 * this process does not have and for a topology that this kernel cannot build. Never throws for what a case does: a case that fails or is interrupted says
 * so in the document, and the finished rounds stay.
 */
export async function runPlan(plan: Plan, options: RunOptions): Promise<Run> {
  const startedAt = new Date();
  const began = process.hrtime.bigint();
  const signal = options.signal ?? new AbortController().signal;
  const cpus = cpusFor(plan);
  checkDescriptors(plan);
  const progress = progressOf(plan, options.onProgress ?? (() => {}));
  progress.preparing("preparing", "asking the kernel what it can do");
  await checkFeatures(plan, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  const watched =
    plan.slopes !== null || plan.cases.some((planned) => isWatched(planned, plan.backend));
  const backend =
    plan.backend === "off" || signal.aborted || !watched ? null : await chooseBackend(plan.backend);
  const { resumed } = options;
  const seed = options.seed ?? randomInt(2 ** 31);
  const beginning = { argv: options.argv, plan: plan.name, seed, startedAt };
  const run = await newRun(beginning, backend);
  const journal = options.openJournal?.(run) ?? NO_JOURNAL;
  if (resumed !== undefined) goOn(run, resumed);
  if (plan.ladder && resumed?.checks == null && !signal.aborted) {
    progress.preparing("checks", "walking from namespace to bridge");
    run.checks = await runLadder();
    journal.checks(run.checks);
  }
  const clock = options.clock ?? "wall";
  run.environment.clock = clock;
  // Counted time has none of what disturbs a clock.
  if (clock === "icount") run.environment.noise = [];
  const context = { signal, seed, backend, cpus, broken: new Set<string>(), journal };
  for (const [index, planned] of plan.cases.entries()) {
    if (index < run.cases.length) continue;
    // Without probes no case that follows can be better.
    if (signal.aborted || context.broken.has("bpftrace")) break;
    const step = { ...planned, rounds: roundsOf(planned, plan.backend) };
    const inHand = resumed?.inHand?.id === planned.id ? resumed.inHand : null;
    const begin = (before: InHand | null): CaseContext => ({
      ...context,
      inHand: before,
      backend: isWatched(planned, plan.backend) ? backend : null,
      ...progress.begin(step, index),
    });
    const result =
      clock === "icount"
        ? valid(await runCountedCase(planned, begin(null)))
        : await runSoundly(planned, begin, inHand);
    if (plan.backend === "auto" && !isWatched(planned, plan.backend)) {
      result.warnings.unshift(unwatched(planned));
    }
    run.cases.push(result);
    if (result.state !== "interrupted") journal.finished(result);
  }
  if (plan.slopes !== null && !signal.aborted) {
    const told = progress.begin(slopesStep(plan.slopes), plan.cases.length);
    run.slopes = await measureSlopes(plan.slopes, { signal, seed, cpus, ...told });
  }
  run.durationNs = (resumed?.elapsedNs ?? 0) + Number(process.hrtime.bigint() - began);
  run.state = signal.aborted ? "interrupted" : stateOf(run);
  return runSchema.parse(run);
}

/** The document as the earlier process left it. What the machine is like now is told as it was told then. */
export function goOn(run: Run, { head, resumedAt, checks, finished }: Resumed): void {
  Object.assign(run, head.run, {
    provenance: { ...head.run.provenance, resumedAt: [...resumedAt, run.startedAt] },
    checks: checks ?? [],
    cases: finished,
  });
}

function unwatched({ topology }: PlannedCase): string {
  return `measured without probes: ${topology.kind} has no bridge of ours that could be observed`;
}

interface Beginning {
  argv: readonly string[];
  plan: string;
  seed: number;
  startedAt: Date;
}

/** The document of a run that has just begun: where it is made, and by what. */
export async function newRun(
  { argv, plan, seed, startedAt }: Beginning,
  backend: ProbeBackend | null,
): Promise<Run> {
  return {
    schema: RUN_SCHEMA,
    id: runId(startedAt),
    state: "complete",
    startedAt: startedAt.toISOString(),
    durationNs: 0,
    provenance: { argv: [...argv], version, plan, seed, programs: programHashes() },
    environment: await environment(backend?.functions),
    checks: [],
    cases: [],
  };
}

/** The CPUs that were asked for, or all that this process may use. */
export function cpusFor({ cpus }: Pick<Plan, "cpus">): readonly number[] {
  const mine = threadCpus();
  const stray = cpus?.find((cpu) => !mine.includes(cpu));
  if (stray === undefined) return cpus ?? mine;
  throw new UsageError(
    `--cpus names CPU ${stray}, and this process may run on ${mine.join(", ")} only`,
  );
}

/** Attempts at a case whose account is not whole before it is reported as it is. */
const ATTEMPTS = 3;

/**
 * Under contention for the CPUs the kernel now and then runs no probe for a burst of frames, and the
 * books say so. Such an account is worth nothing, so the case is measured anew; the rounds of the
 * attempts before stay in the document as discarded, with the reason, and a warning says the same.
 */
async function runSoundly(
  planned: PlannedCase,
  begin: (before: InHand | null) => CaseContext,
  inHand: InHand | null,
): Promise<Case> {
  const discarded: Case["rounds"] = [...(inHand?.discarded ?? [])];
  const warnings: string[] = [...(inHand?.warnings ?? [])];
  const first = inHand?.attempt ?? 1;
  for (let attempt = first; ; attempt++) {
    const before = attempt === first ? inHand : null;
    const context = begin(before);
    if (before === null) context.journal.begun({ id: planned.id, attempt, discarded, warnings });
    const result = valid(await runCase(planned, context));
    const fault = burst(result);
    if (result.state !== "complete" || fault === null || attempt === ATTEMPTS) {
      return {
        ...result,
        rounds: [...discarded, ...result.rounds],
        warnings: [...warnings, ...result.warnings],
      };
    }
    discarded.push(...result.rounds.map((round) => ({ ...round, discarded: fault })));
    warnings.push(`measured again: in attempt ${attempt} ${fault}`);
  }
}

/** What a burst of frames without probes, or beside them, looks like; null for any other fault or none. */
function burst(one: Case): string | null {
  const degraded = one.probe?.degraded ?? [];
  if (degraded.some((fault) => !/^frames passed|were missed/.test(fault))) return null;
  return faultsOf(one).join("; ") || null;
}

/** A case that does not fit the document's own schema must not cost the others theirs. */
function valid(one: Case): Case {
  const checked = caseSchema.safeParse(one);
  if (checked.success) return one;
  const [issue] = checked.error.issues;
  const { latency: _latency, bridge: _bridge, probe: _probe, ...rest } = one;
  return {
    ...rest,
    state: "failed",
    error: `the case's numbers are not valid at ${issue?.path.join(".")}: ${issue?.message}`,
    metrics: {},
    latency: {},
    ports: [],
  };
}

function faultsOf(one: Case): string[] {
  const unaccounted = one.bridge?.unaccounted ?? 0;
  return [
    ...(unaccounted > 0 ? [`${unaccounted} frames were unaccounted`] : []),
    ...(one.probe?.degraded ?? []),
  ];
}

function stateOf(run: Run): Run["state"] {
  if ((run.slopes?.error ?? null) !== null) return "failed";
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

/** Sortable by time, and unlike any other of its second. */
function runId(at: Date): string {
  const stamp = at.toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  return `${stamp}-${randomBytes(2).toString("hex")}`;
}
