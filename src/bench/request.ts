import { parseDuration } from "../system/duration.ts";
import { UsageError } from "../system/errors.ts";
import {
  BACKENDS,
  type Backend,
  type CaseRequest,
  makePlan,
  type Plan,
  type Timing,
} from "./plan.ts";
import { crossPlan, loadPlan, type PlanRequest } from "./plans.ts";
import {
  PARAMETER_NAMES,
  WORKLOAD_PARAMETERS,
  type WorkloadOptions,
  type WorkloadParameter,
} from "./workloads/workload.ts";

/** What the command line and the library take, before anything is checked. */
export interface BenchRequest {
  topology?: string[];
  workload?: string[];
  rounds?: string | number;
  duration?: string | number;
  budget?: string | number;
  backend?: string;
  frameSize?: string | number;
  messageSize?: string | number;
  addresses?: string | number;
  senders?: string | number;
  network?: string;
  probeEffect?: string | number;
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
  const backend = backendNamed(request.backend ?? "auto");
  const adHoc = request.topology !== undefined || request.workload !== undefined;
  if (adHoc && name !== undefined) {
    throw new UsageError(`give a plan ("${name}") or --topology and --workload, not both`);
  }
  const options: WorkloadOptions = {};
  for (const parameter of PARAMETER_NAMES) {
    const { option } = WORKLOAD_PARAMETERS[parameter];
    const value = integer(option, request[parameter]);
    if (value !== undefined) options[parameter] = value;
  }
  const asked = withOptions(
    adHoc
      ? crossPlan(
          request.topology ?? [DEFAULT_TOPOLOGY],
          request.workload ?? [DEFAULT_WORKLOAD],
          request.network,
        )
      : loadPlan(name ?? DEFAULT_PLAN, request.network),
    options,
  );
  const pairs = integer("--probe-effect", request.probeEffect);
  const cases = asked.cases.map((one) =>
    pairs === undefined ? one : { ...one, probeEffectPairs: pairs },
  );
  const timing = { ...asked.timing, ...timingOf(request, asked.timing) };
  return {
    plan: makePlan(asked.name, cases, timing, backend, asked.ladder),
    seed: integer("--seed", request.seed),
  };
}

/** The plan with what was asked for besides, in each case whose workload takes it. */
function withOptions(plan: PlanRequest, options: WorkloadOptions): PlanRequest {
  const takes = ({ workload }: CaseRequest, name: WorkloadParameter) =>
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
  const budgetNs = duration("--budget", request.budget);
  return {
    rounds: rounds ?? (budgetNs === undefined ? planned.rounds : undefined),
    budgetNs,
    durationNs: duration("--duration", request.duration) ?? planned.durationNs,
  };
}

function backendNamed(name: string): Backend {
  const backend = BACKENDS.find((known) => known === name);
  if (backend !== undefined) return backend;
  throw new UsageError(`unknown backend "${name}"; known are ${BACKENDS.join(", ")}`);
}

function integer(option: string, value: string | number | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!/^\d+$/.test(String(value)) || !Number.isSafeInteger(number)) {
    throw new UsageError(`${option} expects a whole number, not "${value}"`);
  }
  return number;
}

function duration(option: string, value: string | number | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ns = parseDuration(String(value));
  if (ns === null || ns === 0) {
    throw new UsageError(`${option} expects a duration such as 1, 1s or 500ms, not "${value}"`);
  }
  return ns;
}
