import { readFileSync } from "node:fs";
import { parseCommand } from "../../setup/foreign.ts";
import type { ExternalCommands } from "../../setup/spec.ts";
import { UsageError } from "../../system/errors.ts";
import { parseDuration } from "../../text/duration.ts";
import {
  NUMBER_NAMES,
  type NumberName,
  PARAMETER_NAMES,
  type ParameterName,
  WORD_NAMES,
  WORKLOAD_PARAMETERS,
  type WordName,
  type WorkloadOptions,
} from "../workloads/parameters.ts";
import { marginalPlan } from "./marginal-plan.ts";
import { crossPlan, loadPlan, type PlanRequest, type Surroundings } from "./named-plans.ts";
import {
  BACKENDS,
  type Backend,
  type CaseRequest,
  makePlan,
  type Plan,
  type Timing,
} from "./plan.ts";
import { planOfDocument } from "./plan-document.ts";
import { truthPlan } from "./truth-plan.ts";

/** What the command line and the library take, before anything is checked. */
export interface BenchRequest
  extends Partial<Record<NumberName, string | number>>,
    Partial<Record<WordName, string>> {
  topology?: string[];
  workload?: string[];
  rounds?: string | number;
  duration?: string | number;
  budget?: string | number;
  backend?: string;
  network?: string;
  /** CPUs for the workloads' threads, as taskset(1) lists them: `0,2` or `0-3`. */
  cpus?: string | readonly number[];
  /** What connects the namespaces of an `external` topology: a command and its arguments, or the same in JSON. */
  setup?: string | readonly string[];
  /** What takes that back. */
  teardown?: string | readonly string[];
  /** Time after which one of the two counts as hanging. */
  setupLimit?: string | number;
  latencySessions?: string | number;
  seed?: string | number;
}

const DEFAULT_PLAN = "quick";
const DEFAULT_TOPOLOGY = "bridge:4";
const DEFAULT_WORKLOAD = "forward";

/** Checks a request and decides everything that the run will do; throws a UsageError before anything is touched. */
export function planFor(
  name: string | undefined,
  request: BenchRequest,
): { plan: Plan; seed: number | undefined } {
  if (name !== undefined && /\.json$/.test(name)) return documentNamed(name, request);
  const backend = backendNamed(request.backend ?? "auto");
  const adHoc = request.topology !== undefined || request.workload !== undefined;
  if (adHoc && name !== undefined) {
    throw new UsageError(`give a plan ("${name}") or --topology and --workload, not both`);
  }
  const options: WorkloadOptions = {};
  for (const name of NUMBER_NAMES) {
    const value = integer(WORKLOAD_PARAMETERS[name].option, request[name]);
    if (value !== undefined) options[name] = value;
  }
  for (const name of WORD_NAMES) {
    if (request[name] !== undefined) options[name] = request[name];
  }
  const around: Surroundings = { network: request.network, external: commandsOf(request) };
  const asked = withOptions(
    adHoc
      ? crossPlan(
          request.topology ?? [DEFAULT_TOPOLOGY],
          request.workload ?? [DEFAULT_WORKLOAD],
          around,
        )
      : loadPlan(name ?? DEFAULT_PLAN, around),
    options,
  );
  if (around.external !== null && !asked.cases.some((one) => one.topology.kind === "external")) {
    throw new UsageError("--setup connects --topology external, which this plan does not have");
  }
  const sessions = integer("--latency-sessions", request.latencySessions);
  if (sessions !== undefined && sessions > 0 && backend === "off") {
    throw new UsageError("--latency-sessions attach probes: leave out --backend off");
  }
  const cases = asked.cases.map((one) =>
    sessions === undefined ? one : { ...one, latencySessions: sessions },
  );
  const timing = { ...asked.timing, ...timingOf(request, asked.timing) };
  if (cases.length === 0) checkUnused(asked.name, request, asked.truth === true);
  const plan = makePlan(asked.name, cases, timing, backend, asked.ladder);
  const marginal = asked.marginal ? marginalPlan(asked.network) : null;
  return {
    plan: {
      ...plan,
      marginal,
      truth: asked.truth === true ? truthPlan(asked.network, sessions) : null,
      network: asked.network,
      cpus: request.cpus === undefined ? null : cpuList(request.cpus),
    },
    seed: integer("--seed", request.seed),
  };
}

/** A plan document decides everything. */
function documentNamed(path: string, request: BenchRequest): { plan: Plan; seed: number } {
  const stray = Object.entries(request).find(
    ([name, value]) => value !== undefined && !["out", "json"].includes(name),
  );
  if (stray !== undefined) {
    throw new UsageError(`the plan document ${path} decides everything: leave out ${stray[0]}`);
  }
  try {
    return planOfDocument(readFileSync(path, "utf8"), path);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`the plan ${path} could not be read: ${reason}`, { cause });
  }
}

/** Plans without cases have rounds of their own; of them `truth` alone attaches probes, in sessions. */
function checkUnused(plan: string, request: BenchRequest, isTruth: boolean): void {
  const unused = {
    "--rounds": request.rounds,
    "--duration": request.duration,
    "--budget": request.budget,
    "--backend": request.backend,
    ...(isTruth ? {} : { "--latency-sessions": request.latencySessions }),
  };
  const stray = Object.entries(unused).find(([, value]) => value !== undefined);
  if (stray === undefined) return;
  throw new UsageError(
    `the plan ${plan} has rounds of its own${isTruth ? "" : ", without probes"}: it takes no ${stray[0]}`,
  );
}

/** What connects an external topology, or null where nothing was said of it. */
function commandsOf({ setup, teardown, setupLimit }: BenchRequest): ExternalCommands | null {
  if (setup === undefined) {
    const stray = teardown === undefined ? "--setup-limit" : "--teardown";
    if (teardown === undefined && setupLimit === undefined) return null;
    throw new UsageError(`${stray} goes with --setup`);
  }
  const limitNs = durationOf("--setup-limit", setupLimit);
  return {
    setup: parseCommand("--setup", setup),
    teardown: teardown === undefined ? null : parseCommand("--teardown", teardown),
    ...(limitNs === undefined ? {} : { limitMs: limitNs / 1e6 }),
  };
}

/** The plan with what was asked for besides, in each case whose workload takes it. */
function withOptions(plan: PlanRequest, options: WorkloadOptions): PlanRequest {
  const takes = ({ workload }: CaseRequest, name: ParameterName) =>
    workload.parameters.some((parameter) => parameter.name === name);
  const asked = PARAMETER_NAMES.filter((name) => options[name] !== undefined);
  const stray = asked.find((name) => !plan.cases.some((one) => takes(one, name)));
  if (stray !== undefined) {
    const workloads = [...new Set(plan.cases.map(({ workload }) => workload.name))];
    throw new UsageError(
      `no workload of this plan takes ${WORKLOAD_PARAMETERS[stray].option}: ${workloads.join(", ")}`,
    );
  }
  const cases = plan.cases.map((one) => {
    const taken = asked.filter((name) => takes(one, name)).map((name) => [name, options[name]]);
    return { ...one, options: { ...one.options, ...Object.fromEntries(taken) } };
  });
  return { ...plan, cases };
}

/** A budget decides the rounds unless they were given beside it. */
function timingOf(request: BenchRequest, planned: Timing): Timing {
  const rounds = integer("--rounds", request.rounds);
  const budgetNs = durationOf("--budget", request.budget);
  return {
    rounds: rounds ?? (budgetNs === undefined ? planned.rounds : undefined),
    budgetNs,
    durationNs: durationOf("--duration", request.duration) ?? planned.durationNs,
  };
}

function backendNamed(name: string): Backend {
  const backend = BACKENDS.find((known) => known === name);
  if (backend !== undefined) return backend;
  throw new UsageError(`unknown backend "${name}"; known are ${BACKENDS.join(", ")}`);
}

/** A whole number, or undefined for nothing; throws a UsageError that names the option. */
export function integer(option: string, value: string | number | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!/^\d+$/.test(String(value)) || !Number.isSafeInteger(number)) {
    throw new UsageError(`${option} expects a whole number, not "${value}"`);
  }
  return number;
}

/** `0,2-3` as taskset(1) takes it; in the order given, each once. */
function cpuList(asked: string | readonly number[]): number[] {
  const words = typeof asked === "string" ? asked.split(",") : asked.map(String);
  const cpus = words.flatMap((word) => {
    const [, first = "", last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(word.trim()) ?? [];
    if (first === "" || Number(last) < Number(first)) {
      throw new UsageError(`--cpus expects CPUs such as 0,2 or 0-3, not "${asked}"`);
    }
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i);
  });
  return [...new Set(cpus)];
}

/** Nanoseconds, or undefined for nothing; throws a UsageError that names the option. */
export function durationOf(option: string, value: string | number | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ns = parseDuration(String(value));
  if (ns === null || ns === 0) {
    throw new UsageError(`${option} expects a duration such as 1, 1s or 500ms, not "${value}"`);
  }
  return ns;
}
