import { randomBytes, randomInt } from "node:crypto";
import { environment } from "../doctor/index.ts";
import type { RunEvent } from "../document/event.ts";
import type { RunProgress } from "../document/progress.ts";
import { RUN_SCHEMA, type Run } from "../document/run.ts";
import { chooseBackend, type ProbeBackend } from "../probes/backend.ts";
import { countedRefusal } from "../probes/counted.ts";
import { ForeignProbes } from "../probes/foreign.ts";
import { programHashes } from "../probes/programs.ts";
import { UsageError } from "../system/errors.ts";
import { threadCpus } from "../system/libc.ts";
import { version } from "../system/version.ts";
import { LabRunner, type RunnerOptions } from "./engine/lab-runner.ts";
import { perform, runClock } from "./engine/perform.ts";
import type { Schedule } from "./engine/schedule.ts";
import { ProgressFold } from "./fold/progress.ts";
import { RunFold } from "./fold/run-fold.ts";
import { isWatched, LADDER_NS, type Plan, type Step, stepsOf } from "./plan/plan.ts";
import { checkDescriptors, checkFeatures } from "./plan/preconditions.ts";
import { runPlan as planSchedule } from "./schedules/plan.ts";

export interface RunOptions {
  /** The command line that a person would type to get this run again. */
  argv: readonly string[];
  /** Draws every random order of the run; drawn itself when absent. */
  seed?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: RunProgress) => void) | undefined;
  /** Told the document before anything is measured; gives where each event is written down. */
  onBegin?: ((begun: Run) => (event: RunEvent) => void) | undefined;
  /** What an earlier process had done of this very plan. */
  resumed?: Resumption | undefined;
}

/** A run that goes on: its document before anything was measured, and its events, `resume` the last. */
export interface Resumption {
  begun: Run;
  events: readonly RunEvent[];
}

/**
 * Executes a plan once. Throws a UsageError or a PrerequisiteError, before anything is measured, for CPUs or
 * descriptors that this process does not have and for a topology that this kernel cannot build. Never throws for what
 * a case does: a case that fails or is interrupted says so in the document, and the finished rounds stay.
 */
export async function runPlan(plan: Plan, options: RunOptions): Promise<Run> {
  const experiment = await prepare(plan, stepsOf(plan), options);
  const { signal, seed, cpus, clock } = experiment;
  const watched =
    plan.marginal !== null ||
    plan.truth !== null ||
    plan.cases.some((planned) => isWatched(planned, plan.backend, plan.clock));
  const backend =
    plan.backend === "off" || signal.aborted || !watched ? null : await chooseBackend(plan.backend);
  const begun = await experiment.begin(plan.name, backend);
  begun.environment.clock = plan.clock;
  // Counted time has none of what disturbs a clock.
  if (plan.clock === "icount") begun.environment.noise = [];
  const untimed = whyUntimed(begun);
  const cpu = cpus[0] ?? 0;
  const fold = new RunFold(begun, { plan, seed, clock: plan.clock, cpu, backend, untimed });
  const refusal =
    backend === null
      ? null
      : (stage: Parameters<typeof countedRefusal>[0]) => countedRefusal(stage, backend);
  const timed = untimed === null;
  const schedule = planSchedule(plan, { seed, clock: plan.clock, refusal, timed });
  await experiment.perform(schedule, fold, backend);
  return fold.document({ interrupted: signal.aborted, durationNs: clock() });
}

/** Clocks of longer steps than a stage takes, or whose reading takes longer. */
const COARSE_CLOCKS = new Set(["jiffies", "refined-jiffies", "pit", "acpi_pm", "hpet"]);

/** Why no stage can be timed on this machine, or null. */
export function whyUntimed({
  environment: { cpu, clock, clocksource },
}: Pick<Run, "environment">): string | null {
  if (clock === "icount") return "this clock counts instructions";
  if (COARSE_CLOCKS.has(clocksource)) {
    return `the clock source ${clocksource} does not resolve a stage of some hundred nanoseconds`;
  }
  // As qemu names the CPUs that it makes without KVM.
  if (!/^QEMU (TCG|Virtual) CPU\b/.test(cpu.model)) return null;
  return "this machine runs under qemu's TCG, where no wall time means anything";
}

/** A run's document as it grows. */
interface Fold {
  enter(event: RunEvent): void;
}

export interface Experiment {
  signal: AbortSignal;
  seed: number;
  cpus: readonly number[];
  /** Nanoseconds of the run. */
  clock(): number;
  /** The document of a run in which nothing was measured yet. */
  begin(plan: string, backend: ProbeBackend | null): Promise<Run>;
  /** Does what the schedule says, and takes down whatever still stands. */
  perform(schedule: Schedule, fold: Fold, backend: ProbeBackend | null): Promise<void>;
}

/** What every experiment on labs begins with. Throws as `runPlan` does. */
export async function prepare(
  plan: Pick<Plan, "cases" | "cpus" | "ladder"> & Partial<Pick<Plan, "clock">>,
  steps: readonly Step[],
  options: RunOptions,
): Promise<Experiment> {
  const { argv, resumed, onBegin, onProgress = () => {} } = options;
  const startedAt = new Date();
  const signal = options.signal ?? new AbortController().signal;
  const seed = options.seed ?? randomInt(2 ** 31);
  const clock = runClock(resumed?.events ?? []);
  const cpus = cpusFor(plan);
  checkDescriptors(plan);
  const checksNs = plan.ladder ? LADDER_NS : 0;
  const progress = new ProgressFold({ steps, checksNs, tell: onProgress, now: clock });
  progress.preparing("preparing", "asking the kernel what it can do");
  await checkFeatures(plan, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  let record: (event: RunEvent) => void = () => {};
  return {
    ...{ signal, seed, cpus, clock },
    begin: async (name, backend) => {
      const fresh = await newRun({ argv, plan: name, seed, startedAt }, backend);
      record = onBegin?.(fresh) ?? record;
      return resumed === undefined ? fresh : structuredClone(resumed.begun);
    },
    perform: async (schedule, fold, backend) => {
      const doing = (what: string) => progress.doing(what);
      // In counted time nobody is there but us, and looking would be counted.
      const foreign = plan.clock === "icount" ? null : ForeignProbes.open();
      const runner: RunnerOptions = { signal, cpus, backend, foreign, progress: doing };
      const labs = new LabRunner(runner);
      try {
        await perform(schedule, {
          earlier: resumed?.events ?? [],
          act: (action) => labs.act(action),
          before: (action) => progress.before(action),
          enter: (event, isNew) => {
            fold.enter(event);
            progress.enter(event);
            if (isNew) record(event);
          },
          signal,
          now: clock,
        });
      } finally {
        await labs.close();
        foreign?.close();
      }
    },
  };
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

/**
 * bpftrace opens a tracepoint's perf event on this CPU (libbcc's and libbpf's attach_tracepoint). The programs run on
 * all of them, but here each event also finds that perf event, which costs some 280 ns more on the build machine.
 */
const PERF_EVENT_CPU = 0;

/** The CPUs that were asked for, or all that this process may use, the one where probes cost more last. */
function cpusFor({ cpus }: Pick<Plan, "cpus">): readonly number[] {
  const mine = threadCpus();
  const stray = cpus?.find((cpu) => !mine.includes(cpu));
  const usual = [
    ...mine.filter((cpu) => cpu !== PERF_EVENT_CPU),
    ...mine.filter((cpu) => cpu === PERF_EVENT_CPU),
  ];
  if (stray === undefined) return cpus ?? usual;
  throw new UsageError(
    `--cpus names CPU ${stray}, and this process may run on ${mine.join(", ")} only`,
  );
}

/** Sortable by time, and unlike any other of its second. */
function runId(at: Date): string {
  const stamp = at.toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  return `${stamp}-${randomBytes(2).toString("hex")}`;
}
