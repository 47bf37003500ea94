import { ALPHA } from "../../stats/compare/headlines.ts";
import { WALL_MARGIN } from "../../stats/compare/judge.ts";
import { LEAST_BLOCKS } from "../../stats/paired/blocks.ts";
import { UsageError } from "../../system/errors.ts";
import type { Plan, PlannedCase, Step } from "./plan.ts";
import { type BenchRequest, durationOf, integer, planFor } from "./request.ts";
import { type Both, LEAST_BLOCK_PAIRS, LEAST_PAIRS } from "./sides.ts";

export interface VersusRequest extends Omit<BenchRequest, "setup" | "teardown"> {
  /** The other variant, a topology: the candidate. `external` when absent. */
  vs?: string | undefined;
  /** What connects the namespaces of a side whose topology is `external`, and what takes that back. */
  baseSetup?: BenchRequest["setup"];
  baseTeardown?: BenchRequest["teardown"];
  candidateSetup?: BenchRequest["setup"];
  candidateTeardown?: BenchRequest["teardown"];
  /** Smallest change worth a verdict, as a share; 0.02 when absent. */
  margin?: number | undefined;
}

type Command = BenchRequest["setup"] | undefined;

/** Two variants under the same workloads, and how long and how finely they are measured. */
export interface VersusPlan {
  labels: Both<string>;
  cases: Both<PlannedCase>[];
  /** Of one measurement of one case; null where `pairs` says how long. */
  budgetNs: number | null;
  pairs: number | null;
  margin: number;
  /** Share of errors that each case may make. */
  alpha: number;
  cpus: Plan["cpus"];
  seed: number | undefined;
}

const EXTERNAL = "external";
const DEFAULT_BUDGET_NS = 30e9;
/** Short rounds: the time between two measurements is what makes their difference uncertain. */
const ROUND = "15ms";

/** Checks a request and decides everything; throws a UsageError before anything is touched. */
export function planVersus(request: VersusRequest): VersusPlan {
  const {
    vs = EXTERNAL,
    margin = WALL_MARGIN,
    topology = [request.baseSetup === undefined ? "bridge:4" : EXTERNAL],
    budget,
    rounds,
    baseSetup,
    baseTeardown,
    candidateSetup,
    candidateTeardown,
    ...rest
  } = request;
  const [base, ...more] = topology;
  if (base === undefined || more.length > 0) {
    throw new UsageError("--vs compares one --topology with another; give it once");
  }
  if (request.backend !== undefined && !["off", "auto"].includes(request.backend)) {
    throw new UsageError("--vs measures without probes: leave --backend out, or say --backend off");
  }
  if (budget !== undefined && rounds !== undefined) {
    throw new UsageError("--budget decides the number of pairs: give it or --rounds, not both");
  }
  const duration = rest.duration ?? ROUND;
  const planOf = (label: string, setup: Command, teardown: Command) => {
    const commands = {
      ...(setup === undefined ? {} : { setup }),
      ...(teardown === undefined ? {} : { teardown }),
    };
    return planFor(undefined, {
      ...rest,
      ...commands,
      duration,
      topology: [label],
      backend: "off",
    });
  };
  const left = planOf(base, baseSetup, baseTeardown);
  const right = planOf(vs, candidateSetup, candidateTeardown);
  const cases = left.plan.cases.map((one, index) => ({
    base: one,
    candidate: right.plan.cases[index] ?? one,
  }));
  const search = cases.find(({ base: { workload } }) => (workload.trialsPerRound ?? 1) > 1);
  if (search !== undefined) {
    throw new UsageError(
      `${search.base.workload.name} is a search and has no short rounds: --vs compares rounds`,
    );
  }
  const pairs = integer("--rounds", rounds) ?? null;
  // Networks that exist already cannot be built anew: there each pair stands for itself.
  const renewed = cases.every(({ base: { topology } }) => topology.kind !== "attach");
  const least = renewed ? LEAST_BLOCKS * LEAST_BLOCK_PAIRS : LEAST_PAIRS;
  if (pairs !== null && pairs < least) {
    throw new UsageError(
      `--rounds is the number of pairs here, and fewer than ${least} carry no verdict: expected at least ${least}, not ${pairs}`,
    );
  }
  const budgetNs = durationOf("--budget", budget) ?? DEFAULT_BUDGET_NS * cases.length;
  return {
    labels:
      base === vs
        ? { base: `${base} (base)`, candidate: `${vs} (candidate)` }
        : { base, candidate: vs },
    cases,
    budgetNs: pairs === null ? budgetNs / cases.length : null,
    pairs,
    margin,
    alpha: ALPHA / cases.length,
    cpus: left.plan.cpus,
    seed: left.seed,
  };
}

/** The comparison in steps, as long as no case has to be measured again; a round is a pair. */
export function versusSteps({ cases, budgetNs, pairs }: VersusPlan): Step[] {
  return cases.map(({ base }) => {
    const durationNs = 2 * base.durationNs;
    const estimateNs = STANDING_NS + (budgetNs ?? (pairs ?? 0) * durationNs);
    return {
      ...{ id: base.id, durationNs, estimateNs },
      rounds: pairs ?? Math.ceil(estimateNs / durationNs),
    };
  });
}

/** Two labs that stand. */
const STANDING_NS = 0.5e9;
