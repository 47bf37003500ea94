/** What `bench` can be asked to do, each as one experiment that its flow carries out in the same way. */
import { randomInt } from "node:crypto";
import { newRun, type Resumption, runPlan } from "../bench/bench.ts";
import { estimateNs, type Plan, stepsOf } from "../bench/plan/plan.ts";
import { integer, planFor } from "../bench/plan/request.ts";
import { SIDES } from "../bench/plan/sides.ts";
import { planVersus, versusSteps } from "../bench/plan/versus-plan.ts";
import { runVersus } from "../bench/versus.ts";
import type { Comparison } from "../document/compare.ts";
import type { RunEvent } from "../document/event.ts";
import type { RunProgress } from "../document/progress.ts";
import type { Run } from "../document/run.ts";
import { benchInGuests } from "../kernels/bench.ts";
import { compareRuns } from "../stats/compare/runs.ts";
import type { JournalHead } from "../store/journal.ts";
import { readRuns } from "../store/runs.ts";
import { UsageError } from "../system/errors.ts";
import { plural } from "../text/units.ts";
import { type BenchMode, type BenchOptions, TIME_CHECK } from "./bench-options.ts";
import { marginOf } from "./compare.ts";
import { functionHint } from "./function-hint.ts";
import { githubMargin } from "./github.ts";

/** One run of `bench`, with everything decided and nothing touched. */
export interface BenchExperiment {
  mode: Exclude<BenchMode, "resume">;
  steps: JournalHead["steps"];
  /** What is about to be done, and how long it takes. */
  announcement: string;
  run(hooks: BenchHooks): Promise<BenchOutcome>;
}

export interface BenchHooks {
  argv: readonly string[];
  signal: AbortSignal;
  /** Told the document before anything is measured; gives where events are written down. */
  onBegin(begun: Run): (event: RunEvent) => void;
  onProgress(progress: RunProgress): void;
  /** The same where there is no plan to follow: what is worked on, and a word on it. */
  say(head: string, words: string): void;
  resumed: Resumption | undefined;
}

export interface BenchOutcome {
  /** Each with the folder below the run's own that it goes to; empty for the run's own. */
  runs: { folder: string; run: Run }[];
  comparison: Comparison | null;
  /** What a person may want to try next, or null. */
  hint: string | null;
  /** What is thrown when all that was finished is written, or null. */
  failure: unknown;
}

type Request = BenchOptions & { planName: string | undefined };

export const EXPERIMENTS: Record<BenchExperiment["mode"], (request: Request) => BenchExperiment> = {
  host: hostExperiment,
  vs: vsExperiment,
  kernel: kernelExperiment,
};

function hostExperiment({ planName, ...request }: Request): BenchExperiment {
  if (request.failOn !== undefined && request.failOn !== TIME_CHECK) {
    throw new UsageError(
      `--fail-on takes ${TIME_CHECK} where nothing is compared, not "${request.failOn}"; verdicts are of --vs and --kernel`,
    );
  }
  const { plan, seed } = planFor(planName, request);
  const seconds = Math.ceil(estimateNs(plan) / 1e9);
  return {
    mode: "host",
    steps: kept(stepsOf(plan)),
    announcement: `plan ${plan.name}: ${plural(plan.cases.length, "case")}, about ${seconds} s`,
    run: async (hooks) => {
      const run = await runPlan(plan, { seed, ...hooks });
      const hint = functionHint(plan, run);
      return { runs: [{ folder: "", run }], comparison: null, hint, failure: null };
    },
  };
}

function vsExperiment({ planName, margin, ...request }: Request): BenchExperiment {
  if (planName !== undefined) {
    throw new UsageError(
      `--vs compares one --topology with another: it takes no plan ("${planName}")`,
    );
  }
  const share = margin === undefined ? githubMargin()?.share : marginOf(margin);
  const plan = planVersus({ ...request, margin: share });
  const steps = versusSteps(plan);
  const seconds = Math.ceil(steps.reduce((sum, step) => sum + step.estimateNs, 0) / 1e9);
  const { base, candidate } = plan.labels;
  return {
    mode: "vs",
    steps: kept(steps),
    announcement: `${candidate} against ${base}: ${plural(steps.length, "case")}, at most ${seconds} s; cases with a change are measured a second time`,
    run: async (hooks) => {
      const versus = await runVersus(plan, { seed: plan.seed, ...hooks });
      const runs = SIDES.map((side) => ({ folder: side, run: versus[side] }));
      return { runs, comparison: versus.comparison, hint: null, failure: null };
    },
  };
}

const BOOTS = { wall: 1, icount: 3 } as const;

function kernelExperiment(request: Request): BenchExperiment {
  const { kernel: kernels = [], modules, mirror, bisect, margin, failOn } = request;
  const clock = request.clock === "icount" ? "icount" : "wall";
  const alone = kernels.length === 1 && request.baseline === undefined;
  if (bisect && (kernels.length !== 1 || alone)) {
    throw new UsageError(
      "--bisect takes one --kernel, and the run of the good kernel as --baseline <run.json>",
    );
  }
  if (alone && (margin ?? failOn) !== undefined) {
    throw new UsageError(
      `--${margin === undefined ? "fail-on" : "margin"} is for a comparison: give a second --kernel, or a --baseline`,
    );
  }
  const smp = wholeFrom1("--smp", request.smp);
  const boots = wholeFrom1("--boots", request.boots) ?? BOOTS[clock];
  if (clock === "wall" && request.boots !== undefined) {
    throw new UsageError(
      "--boots is for --clock icount, whose boots add up; by the wall clock each boot is a run of its own, and `compare` takes several a side",
    );
  }
  // Whatever is wrong with the plan is better said before a guest is booted.
  const { plan, seed } = guestPlan(request, clock, smp);
  const share = margin === undefined ? undefined : marginOf(margin);
  const baseline = request.baseline === undefined ? null : readRuns(request.baseline);
  return {
    mode: "kernel",
    steps: kept(stepsOf(plan)),
    announcement: `plan ${plan.name}: ${plural(plan.cases.length, "case")} on ${plural(kernels.length, "kernel")}, ${plural(boots, "boot")} each`,
    run: async ({ argv, signal, onBegin, say, resumed }) => {
      const startedAt = new Date();
      const reproduce = request.seed === undefined ? [...argv, "--seed", String(seed)] : argv;
      const fresh = await newRun({ argv: reproduce, plan: plan.name, seed, startedAt }, null);
      const { kernels: found, failure } = await benchInGuests({
        ...{ kernels, modules, mirror, boots, smp, plan, seed, signal },
        begun: resumed?.begun ?? fresh,
        events: resumed?.events ?? [],
        record: onBegin(fresh),
        progress: say,
      });
      const runs = found.map(({ name, run }) => ({ folder: name, run }));
      const sides = [...(baseline === null ? [] : [baseline]), ...runs.map(({ run }) => run)];
      const [first, ...others] = sides;
      const comparison =
        first === undefined || others.length === 0
          ? null
          : compareRuns(first, others, {
              margin: share,
              clockMargin: githubMargin(),
              argv: (resumed?.begun ?? fresh).provenance.argv,
            });
      return { runs, comparison, hint: null, failure };
    },
  };
}

/** The plan as a guest runs it. */
function guestPlan(
  { planName, ...request }: Request,
  clock: "wall" | "icount",
  smp: number | undefined,
): { plan: Plan; seed: number } {
  const adHoc = request.topology !== undefined || request.workload !== undefined;
  const name = planName ?? (clock === "icount" && !adHoc ? "icount" : undefined);
  if (clock === "icount" && request.latencySessions !== undefined) {
    throw new UsageError("--latency-sessions measure time: leave out --clock icount");
  }
  const asked = planFor(name, request);
  if (asked.plan.truth !== null) {
    throw new UsageError("truth is measured on the host itself: leave out --kernel");
  }
  if (asked.plan.marginal !== null && clock === "icount") {
    throw new UsageError(
      "marginal costs are measured in time: --clock icount counts instructions instead",
    );
  }
  const senders = request.senders === undefined ? sendersFor(asked.plan, smp ?? 1) : undefined;
  const { plan } = senders === undefined ? asked : planFor(name, { ...request, senders });
  const seed = integer("--seed", request.seed) ?? randomInt(2 ** 31);
  return { plan: { ...plan, clock }, seed };
}

/** As many senders as CPUs, as far as every case that takes several has hosts for them. */
function sendersFor({ cases }: Plan, cpus: number): number | undefined {
  const most = cases.flatMap(({ workload, topology }) =>
    workload.parameters.flatMap((one) => (one.name === "senders" ? [one.max(topology)] : [])),
  );
  return cpus === 1 || most.length === 0 ? undefined : Math.min(cpus, ...most);
}

function wholeFrom1(option: string, value: string | undefined): number | undefined {
  const number = integer(option, value);
  if (number !== 0) return number;
  throw new UsageError(`${option} expects a whole number from 1 on, not "${value}"`);
}

function kept(steps: JournalHead["steps"]): JournalHead["steps"] {
  return steps.map(({ id, rounds, durationNs }) => ({ id, rounds, durationNs }));
}
