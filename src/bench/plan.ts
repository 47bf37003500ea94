import { BACKEND_NAMES, type ProbeBackend } from "../probes/backend.ts";
import { isForeign, type Topology } from "../setup/spec.ts";
import { UsageError } from "../system/errors.ts";
import type { Journal } from "./journal/journal.ts";
import type { InHand } from "./journal/read.ts";
import type { CaseProgress } from "./progress.ts";
import { checkParameter, PARAMETER_NAMES, type WorkloadOptions } from "./workloads/parameters.ts";
import type { Workload } from "./workloads/workload.ts";

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
  /** Pairs of rounds with probes on and off after the measured ones; 0 for none. */
  probeEffectPairs: number;
}

/** What every case of a run shares. */
export interface CaseContext extends CaseProgress {
  signal: AbortSignal;
  seed: number;
  cpus: readonly number[];
  /** How the kernel is observed; null with `--backend off`. */
  backend: ProbeBackend | null;
  /** Tools that have failed so far. */
  broken: Set<string>;
  journal: Journal;
  /** What an earlier process had finished of this case; null where it begins. */
  inHand: InHand | null;
}

export interface Plan {
  name: string;
  cases: PlannedCase[];
  backend: Backend;
  /** Show the walk from namespace to bridge first, as checks. */
  ladder: boolean;
  /** What one more port, entry or rule costs, measured after the cases; null for not at all. */
  slopes: SlopePlan | null;
  /** CPUs that the workloads' threads are pinned to, in this order; null for all that the process may use. */
  cpus: readonly number[] | null;
}

/** Cases whose labs stand at once, and which of them differ in the number of one thing. */
export interface SlopePlan {
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
  probeEffectPairs?: number;
}

export interface Timing {
  rounds?: number | undefined;
  durationNs?: number | undefined;
  /** Time for the whole plan; rounds are chosen to fill it. */
  budgetNs?: number | undefined;
}

const DEFAULT_ROUNDS = 5;
const DEFAULT_DURATION_NS = 300e6;
const MINIMUM_DURATION_NS = 10e6;
/** The probe programs book samples by round number in one byte; two values are taken. */
const MAX_ROUNDS = 254;
/** Building, attaching, the cost round and detaching, as measured on the build machine. */
const FIXED_NS = 4.5e9;
export const LADDER_NS = 9e9;
const ATTACH_NS = 1.5e9;

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
  const build = (rounds: number, each: number) =>
    assemble(name, requests, { rounds, durationNs: each }, backend, ladder);
  if (timing.rounds === undefined && timing.budgetNs !== undefined) {
    return fitBudget(timing.budgetNs, timing, build);
  }
  return build(timing.rounds ?? DEFAULT_ROUNDS, durationNs);
}

function assemble(
  name: string,
  requests: readonly CaseRequest[],
  { rounds, durationNs }: { rounds: number; durationNs: number },
  backend: Backend,
  ladder: boolean,
): Plan {
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MAX_ROUNDS) {
    throw new UsageError(`--rounds expects a whole number from 1 to ${MAX_ROUNDS}, not ${rounds}`);
  }
  const cases = requests.map((request): PlannedCase => {
    checkFit(request);
    checkObservable(request, backend);
    const leastNs = minimumRoundNs(request);
    const roundNs = Math.max(durationNs, leastNs);
    return {
      id: caseId(request),
      ...request,
      rounds,
      durationNs: roundNs,
      warmUpNs: Math.max(roundNs / 2, leastNs),
      probeEffectPairs: isWatched(request, backend) ? (request.probeEffectPairs ?? 0) : 0,
    };
  });
  const ids = new Set<string>();
  for (const { id } of cases) {
    if (ids.has(id)) throw new UsageError(`the plan names the case ${id} twice`);
    ids.add(id);
  }
  return { name, cases, ladder, backend, slopes: null, cpus: null };
}

function minimumRoundNs({ workload, options }: CaseRequest): number {
  const { minimumRoundNs: least } = workload;
  return typeof least === "number" ? least : least(options);
}

/** Nanoseconds that a plan will take, roughly. */
export function estimateNs(plan: Plan): number {
  const slopesNs = plan.slopes === null ? 0 : estimateSlopesNs(plan.slopes);
  return plan.cases.reduce(
    (sum, planned) => sum + caseNs(planned, plan.backend),
    slopesNs + (plan.ladder ? LADDER_NS : 0),
  );
}

/** Nanoseconds that one case will take, roughly. */
export function caseNs(planned: PlannedCase, backend: Backend): number {
  const trials = planned.workload.trialsPerRound ?? 1;
  const roundNs = trials * planned.durationNs;
  const on = isWatched(planned, backend) ? FIXED_NS + roundNs : 0;
  const effect = planned.probeEffectPairs * (2 * roundNs + ATTACH_NS);
  const rounds = roundsOf(planned, backend);
  return 0.5e9 + on + trials * planned.warmUpNs + rounds * roundNs + effect;
}

/** Rounds that a case measures in all: with probes as many again without them. */
export function roundsOf(planned: PlannedCase, backend: Backend): number {
  return isWatched(planned, backend) ? 2 * planned.rounds : planned.rounds;
}

/** Probes are for labs of ours: in another network there is no bridge that we know. */
export function isWatched({ topology }: Pick<CaseRequest, "topology">, backend: Backend): boolean {
  return backend !== "off" && !isForeign(topology);
}

/** A short round with the rest that follows it, and a lab that stays. */
const ROUND_AND_REST_NS = 60e6;
const STANDING_LAB_NS = 0.5e9;

/** Nanoseconds that the labs side by side will take, roughly. */
export function estimateSlopesNs(plan: SlopePlan): number {
  const { rounds, durationNs } = slopesStep(plan);
  return plan.cases.length * STANDING_LAB_NS + (rounds + 1) * durationNs;
}

/** The same as one step of the run: a round measures every lab once. */
export function slopesStep({ cases, rounds }: SlopePlan) {
  return { id: "slopes", rounds, durationNs: cases.length * ROUND_AND_REST_NS };
}

/** Rounds beyond which more of them tell less than longer ones would. */
const ENOUGH_ROUNDS = 100;

/** The most rounds that fit, and longer ones where even many would leave time over. */
function fitBudget(
  budgetNs: number,
  timing: Timing,
  build: (rounds: number, durationNs: number) => Plan,
): Plan {
  const durationNs = timing.durationNs ?? DEFAULT_DURATION_NS;
  const cost = (rounds: number, each: number) => estimateNs(build(rounds, each));
  if (cost(1, durationNs) > budgetNs) {
    const least = Math.ceil(cost(1, durationNs) / 1e9);
    throw new UsageError(
      `a budget of ${budgetNs / 1e9}s is too short: with one round the plan takes about ${least}s`,
    );
  }
  let rounds = 1;
  while (rounds < ENOUGH_ROUNDS && cost(rounds + 1, durationNs) <= budgetNs) rounds++;
  if (rounds < ENOUGH_ROUNDS || timing.durationNs !== undefined) return build(rounds, durationNs);
  let longer = durationNs;
  while (cost(rounds, longer * 1.1) <= budgetNs) longer *= 1.1;
  return build(rounds, Math.round(longer));
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
