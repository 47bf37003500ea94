import type { Stage } from "../../document/case.ts";
import type { Truth } from "../../document/truth.ts";
import { BACKEND_NAMES } from "../../probes/backend.ts";
import { isForeign, type Topology } from "../../setup/spec.ts";
import { UsageError } from "../../system/errors.ts";
import { checkParameter, PARAMETER_NAMES, type WorkloadOptions } from "../workloads/parameters.ts";
import type { Workload } from "../workloads/workload.ts";
import { timeProbes } from "./time-probes.ts";

/** The name under which a case's one lab is built and its workload prepared. */
export const SLOT = "case";
/** The name under which the marginal costs begin and end, like a case. */
export const MARGINAL = "marginal";
/** The same for `bench truth`. */
export const TRUTH = "truth";

export const BACKENDS = ["auto", ...BACKEND_NAMES, "off"] as const;
export type Backend = (typeof BACKENDS)[number];

/** One topology under one workload, with everything decided. */
export interface PlannedCase {
  id: string;
  topology: Topology;
  workload: Workload;
  options: WorkloadOptions;
  rounds: number;
  durationNs: number;
  warmUpNs: number;
  /** Sessions that time the case's stages, each with programs that are attached anew; 0 for none. */
  latencySessions: number;
}

export interface Plan {
  name: string;
  cases: PlannedCase[];
  /** What every case was asked for; a workload may need longer rounds. */
  rounds: number;
  durationNs: number;
  /** IPv4 network of the hosts; undefined for RFC 2544's. */
  network: string | undefined;
  backend: Backend;
  /** Show the walk from namespace to bridge first, as checks. */
  ladder: boolean;
  /** What one more port, entry or rule costs, measured after the cases; null for not at all. */
  marginal: MarginalPlan | null;
  /** How well stage times close against times that nobody watched; null for not at all. */
  truth: TruthPlan | null;
  /** What a nanosecond of the clock is: time, or one instruction in a guest made for that. */
  clock: "wall" | "icount";
  /** CPUs that the workloads' threads are pinned to, in this order; null for all that the process may use. */
  cpus: readonly number[] | null;
}

/** Pairs of cases whose differences are measured without probes and by net stage times. */
export interface TruthPlan {
  turns: number;
  roundNs: number;
  rows: {
    id: Truth["rows"][number]["id"];
    what: string;
    kind: "equal" | "bound";
    base: PlannedCase;
    candidate: PlannedCase;
    /** By how many of the thing the two differ. */
    steps: number;
    /** Whose stages are taken: their growth, or those that the candidate alone has, once for each step. */
    timed: "both" | "candidate";
    stages: Stage[];
  }[];
}

/** Cases whose labs stand at once, and which of them differ in the number of one thing. */
export interface MarginalPlan {
  rounds: number;
  roundNs: number;
  cases: PlannedCase[];
  per: { what: string; workload: string; cases: string[]; counts: number[] }[];
  tax: [base: string, candidate: string];
}

export interface CaseRequest {
  topology: Topology;
  workload: Workload;
  options: WorkloadOptions;
  latencySessions?: number;
}

export interface Timing {
  rounds?: number | undefined;
  durationNs?: number | undefined;
  /** Of every case that does not say itself. */
  latencySessions?: number | undefined;
  /** Time for the whole plan; rounds are chosen to fill it. */
  budgetNs?: number | undefined;
}

const DEFAULT_ROUNDS = 5;
const DEFAULT_DURATION_NS = 300e6;
const MINIMUM_DURATION_NS = 10e6;
const MAX_ROUNDS = 254;
/** So many that their interval means something, where a person did not say. */
const DEFAULT_SESSIONS = 4;
const MAX_SESSIONS = 99;
/** Building, attaching, the cost round and detaching, as measured on the build machine. */
const FIXED_NS = 4.5e9;
export const LADDER_NS = 9e9;
/** Attaching one program that times, its round, and reading it. */
const TIME_PROBE_NS = 0.95e9;

/** Decides rounds, durations and backend for every case of a plan. */
export function makePlan(
  name: string,
  requests: readonly CaseRequest[],
  timing: Timing,
  backend: Backend,
  ladder: boolean,
): Plan {
  const durationNs = timing.durationNs ?? DEFAULT_DURATION_NS;
  if (durationNs < MINIMUM_DURATION_NS) {
    throw new UsageError(
      `--duration is one round's: at least ${MINIMUM_DURATION_NS / 1e6}ms, not ${durationNs / 1e6}ms`,
    );
  }
  const build = (rounds: number, each: number, latencySessions = timing.latencySessions) =>
    assemble(name, requests, { rounds, durationNs: each, latencySessions }, backend, ladder);
  if (timing.rounds === undefined && timing.budgetNs !== undefined) {
    return fitBudget(timing.budgetNs, timing, build);
  }
  return build(timing.rounds ?? DEFAULT_ROUNDS, durationNs);
}

function assemble(
  name: string,
  requests: readonly CaseRequest[],
  {
    rounds,
    durationNs,
    latencySessions = DEFAULT_SESSIONS,
  }: Timing & {
    rounds: number;
    durationNs: number;
  },
  backend: Backend,
  ladder: boolean,
): Plan {
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MAX_ROUNDS) {
    throw new UsageError(`--rounds expects a whole number from 1 to ${MAX_ROUNDS}, not ${rounds}`);
  }
  const cases = requests.map((request): PlannedCase => {
    checkFit(request);
    checkSessions(request.latencySessions ?? latencySessions);
    checkObservable(request, backend);
    const leastNs = minimumRoundNs(request);
    const roundNs = Math.max(durationNs, leastNs);
    return {
      id: caseId(request),
      ...request,
      rounds,
      durationNs: roundNs,
      warmUpNs: Math.max(roundNs / 2, leastNs),
      latencySessions: request.latencySessions ?? latencySessions,
    };
  });
  const ids = new Set<string>();
  for (const { id } of cases) {
    if (ids.has(id)) throw new UsageError(`the plan names the case ${id} twice`);
    ids.add(id);
  }
  return {
    name,
    cases,
    rounds,
    durationNs,
    ladder,
    backend,
    marginal: null,
    truth: null,
    network: undefined,
    clock: "wall",
    cpus: null,
  };
}

function checkSessions(sessions: number): void {
  if (Number.isInteger(sessions) && sessions >= 0 && sessions <= MAX_SESSIONS) return;
  throw new UsageError(
    `--latency-sessions expects a whole number from 0 to ${MAX_SESSIONS}, not ${sessions}`,
  );
}

/** Shortest round that the workload can make, in nanoseconds. */
export function minimumRoundNs({
  workload,
  options,
}: Pick<CaseRequest, "workload" | "options">): number {
  const { minimumRoundNs: least } = workload;
  return typeof least === "number" ? least : least(options);
}

/** What a run's progress is told in: a case, or the marginal costs. */
export interface Step {
  id: string;
  /** Rounds in all, and what each takes. */
  rounds: number;
  durationNs: number;
  /** What the step takes, roughly. */
  estimateNs: number;
}

export function stepsOf(plan: Plan): Step[] {
  const steps = plan.cases.map(
    (planned): Step => ({
      id: planned.id,
      rounds: roundsOf(planned, plan.backend),
      durationNs: planned.durationNs,
      estimateNs: caseNs(planned, plan.backend),
    }),
  );
  if (plan.marginal !== null) steps.push(marginalStep(plan.marginal));
  if (plan.truth !== null) steps.push(truthStep(plan.truth));
  return steps;
}

/** Nanoseconds that a plan will take, roughly. */
export function estimateNs(plan: Plan): number {
  const checksNs = plan.ladder ? LADDER_NS : 0;
  return stepsOf(plan).reduce((sum, step) => sum + step.estimateNs, checksNs);
}

/** Nanoseconds that one case will take, roughly. */
function caseNs(planned: PlannedCase, backend: Backend): number {
  const trials = planned.workload.trialsPerRound ?? 1;
  const roundNs = trials * planned.durationNs;
  const on = isWatched(planned, backend) ? FIXED_NS + roundNs : 0;
  const sessions = isWatched(planned, backend) && isTimed(planned) ? planned.latencySessions : 0;
  const timing = sessions * timeProbes(planned).length * TIME_PROBE_NS;
  const rounds = isWatched(planned, backend) ? 2 * planned.rounds : planned.rounds;
  return 0.5e9 + on + trials * planned.warmUpNs + rounds * roundNs + timing;
}

/** Rounds that a case measures in all, of each kind. */
function roundsOf(planned: PlannedCase, backend: Backend): number {
  if (!isWatched(planned, backend)) return planned.rounds;
  const timed = isTimed(planned) ? planned.latencySessions * timeProbes(planned).length : 0;
  return 2 * planned.rounds + timed;
}

/** Whether stages are timed in its watched case: a round of a search is many trials, and would take minutes a session. */
export function isTimed({ workload }: Pick<CaseRequest, "workload">): boolean {
  return workload.trialsPerRound === undefined;
}

/**
 * Probes are for labs of ours: in another network there is no bridge that we know. What is counted by port and decision
 * is of one bridge, so in a chain only instructions are, which belong to a hop.
 */
export function isWatched(
  { topology }: Pick<CaseRequest, "topology">,
  backend: Backend,
  clock: Plan["clock"] = "wall",
): boolean {
  if (backend === "off" || isForeign(topology)) return false;
  return topology.kind !== "chain" || clock === "icount";
}

/** A short round with the rest that follows it, and a lab that stays. */
const ROUND_AND_REST_NS = 60e6;
const STANDING_LAB_NS = 0.5e9;

/** The marginal costs as one step of the run: a round measures every lab once. */
function marginalStep({ cases, rounds }: MarginalPlan): Step {
  const durationNs = cases.length * ROUND_AND_REST_NS;
  const estimateNs = cases.length * STANDING_LAB_NS + (rounds + 1) * durationNs;
  return { id: MARGINAL, rounds, durationNs, estimateNs };
}

/** A turn measures each row twice without probes, and times two or four sessions. */
function truthStep({ rows, turns, roundNs }: TruthPlan): Step {
  const durationNs = rows.length * (8 * roundNs + 4 * TIME_PROBE_NS);
  return {
    ...{ id: TRUTH, rounds: turns, durationNs },
    estimateNs: 2 * rows.length * STANDING_LAB_NS + turns * durationNs,
  };
}

/** Rounds beyond which more of them tell less than longer ones would. */
const ENOUGH_ROUNDS = 100;

/** A short budget goes into counts and metrics before it goes into stages. */
const FEWER_SESSIONS = [4, 3, 2, 0];

/** The most rounds that fit, and longer ones where even many would leave time over. */
function fitBudget(
  budgetNs: number,
  timing: Timing,
  build: (rounds: number, durationNs: number, latencySessions?: number) => Plan,
): Plan {
  const durationNs = timing.durationNs ?? DEFAULT_DURATION_NS;
  const asked = timing.latencySessions ?? DEFAULT_SESSIONS;
  const fewer = FEWER_SESSIONS.filter((sessions) => sessions < asked);
  const sessions =
    [asked, ...fewer].find((one) => estimateNs(build(1, durationNs, one)) <= budgetNs) ?? 0;
  const cost = (rounds: number, each: number) => estimateNs(build(rounds, each, sessions));
  if (cost(1, durationNs) > budgetNs) {
    const least = Math.ceil(cost(1, durationNs) / 1e9);
    throw new UsageError(
      `a budget of ${budgetNs / 1e9}s is too short: with one round the plan takes about ${least}s`,
    );
  }
  let rounds = 1;
  while (rounds < ENOUGH_ROUNDS && cost(rounds + 1, durationNs) <= budgetNs) rounds++;
  if (rounds < ENOUGH_ROUNDS || timing.durationNs !== undefined) {
    return build(rounds, durationNs, sessions);
  }
  let longer = durationNs;
  while (cost(rounds, longer * 1.1) <= budgetNs) longer *= 1.1;
  return build(rounds, Math.round(longer), sessions);
}

function checkFit({ topology, workload, options }: CaseRequest): void {
  if (!workload.topologies.includes(topology.kind)) {
    const known = workload.topologies.join(", ");
    throw new UsageError(
      `workload ${workload.name} does not run on ${topology.kind}, only on ${known}`,
    );
  }
  const { leastHosts = 0 } = workload;
  if (topology.hosts.length < leastHosts) {
    throw new UsageError(
      `workload ${workload.name} needs ${leastHosts} hosts, and ${topology.label} has ${topology.hosts.length}`,
    );
  }
  for (const name of PARAMETER_NAMES) {
    const value = options[name];
    if (value === undefined) continue;
    const parameter = workload.parameters.find((known) => known.name === name);
    if (parameter === undefined) {
      const known = workload.parameters.map((one) => one.name).join(", ") || "none";
      throw new UsageError(
        `workload ${workload.name} takes no ${name}; its parameters are: ${known}`,
      );
    }
    checkParameter(workload.name, parameter, value, topology);
  }
  const reason = workload.unfit?.(options, topology) ?? null;
  if (reason !== null) throw new UsageError(`${workload.name}: ${reason}`);
}

function checkObservable({ topology }: CaseRequest, backend: Backend): void {
  if (backend === "off" || backend === "auto" || !isForeign(topology)) return;
  throw new UsageError(
    `the backend ${backend} observes a bridge of ours, and ${topology.label} has none: take --backend off, or auto`,
  );
}

/** `<topology>/<workload>`, with the parameters that differ from the workload's own. */
function caseId({ topology, workload, options }: CaseRequest): string {
  const words = workload.parameters
    .filter(({ name, default: usual }) => options[name] !== undefined && options[name] !== usual)
    .map(({ name }) => `,${name}=${options[name]}`);
  return `${topology.label}/${workload.name}${words.join("")}`;
}
