import type { TopologySpec } from "../setup/spec.ts";
import { UsageError } from "../system/errors.ts";
import type { Workload, WorkloadOptions } from "./workloads/workload.ts";

export const BACKENDS = ["auto", "tracepoint", "off"] as const;
export type Backend = (typeof BACKENDS)[number];

/** One topology under one workload, with everything decided. */
export interface PlannedCase {
  id: string;
  topology: TopologySpec;
  workload: Workload;
  options: WorkloadOptions;
  rounds: number;
  durationNs: number;
  warmUpNs: number;
  backend: "tracepoint" | "off";
  backendReason: string;
  /** Pairs of rounds with probes on and off after the measured ones; 0 for none. */
  probeEffectPairs: number;
}

export interface Plan {
  name: string;
  cases: PlannedCase[];
  /** Show the walk from namespace to bridge first, as checks. */
  ladder: boolean;
}

export interface CaseRequest {
  topology: TopologySpec;
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
const LADDER_NS = 9e9;
const ATTACH_NS = 1.5e9;

/** Decides rounds, durations and backend for every case of a plan. */
export function makePlan(
  name: string,
  requests: readonly CaseRequest[],
  timing: Timing,
  backend: Backend,
  ladder: boolean,
): Plan {
  if (requests.length === 0) throw new UsageError("the plan has no cases");
  const durationNs = timing.durationNs ?? DEFAULT_DURATION_NS;
  if (durationNs < MINIMUM_DURATION_NS) {
    throw new UsageError(
      `--duration is one round's: at least ${MINIMUM_DURATION_NS / 1e6}ms, not ${durationNs / 1e6}ms`,
    );
  }
  const rounds = timing.rounds ?? roundsFor(requests, timing, durationNs, ladder);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MAX_ROUNDS) {
    throw new UsageError(`--rounds expects a whole number from 1 to ${MAX_ROUNDS}, not ${rounds}`);
  }
  const cases = requests.map((request): PlannedCase => {
    checkFit(request);
    const roundNs = Math.max(durationNs, request.workload.minimumRoundNs);
    return {
      id: caseId(request),
      ...request,
      rounds,
      durationNs: roundNs,
      warmUpNs: Math.max(roundNs / 2, request.workload.minimumRoundNs),
      backend: backend === "off" ? "off" : "tracepoint",
      backendReason:
        backend === "tracepoint"
          ? "asked for"
          : "auto: tracepoints load on every kernel with BTF; this version has no function probes",
      probeEffectPairs: backend === "off" ? 0 : (request.probeEffectPairs ?? 0),
    };
  });
  const ids = new Set<string>();
  for (const { id } of cases) {
    if (ids.has(id)) throw new UsageError(`the plan names the case ${id} twice`);
    ids.add(id);
  }
  return { name, cases, ladder };
}

/** Nanoseconds that a plan will take, roughly. */
export function estimateNs(plan: Plan): number {
  return plan.cases.reduce(
    (sum, planned) => {
      const on = planned.backend === "off" ? 0 : FIXED_NS + planned.durationNs;
      const effect = planned.probeEffectPairs * (2 * planned.durationNs + ATTACH_NS);
      return sum + 0.5e9 + on + planned.warmUpNs + planned.rounds * planned.durationNs + effect;
    },
    plan.ladder ? LADDER_NS : 0,
  );
}

function roundsFor(
  requests: readonly CaseRequest[],
  timing: Timing,
  durationNs: number,
  ladder: boolean,
): number {
  if (timing.budgetNs === undefined) return DEFAULT_ROUNDS;
  const fixed = requests.length * FIXED_NS + (ladder ? LADDER_NS : 0);
  const round = requests.reduce(
    (sum, { workload }) => sum + Math.max(durationNs, workload.minimumRoundNs),
    0,
  );
  const rounds = Math.floor((timing.budgetNs - fixed) / round);
  return Math.min(MAX_ROUNDS, Math.max(1, rounds));
}

function checkFit({ topology, workload }: CaseRequest): void {
  if (workload.topologies.includes(topology.kind)) return;
  const known = workload.topologies.join(", ");
  throw new UsageError(
    `workload ${workload.name} does not run on ${topology.kind}, only on ${known}`,
  );
}

/** `<topology>/<workload>`, with the parameters that differ from the workload's own. */
function caseId({ topology, workload, options }: CaseRequest): string {
  const words = Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `,${name}=${value}`);
  return `${topology.label}/${workload.name}${words.join("")}`;
}
