import type { RunEvent } from "../../document/event.ts";
import { type Case, caseSchema, type Run, runSchema } from "../../document/run.ts";
import type { ProbeBackend } from "../../probes/backend.ts";
import { isWatched, MARGINAL, type Plan, type PlannedCase, SLOT, TRUTH } from "../plan/plan.ts";
import { CaseFold } from "./case-fold.ts";
import { ForeignSeen } from "./foreign.ts";
import { MarginalFold } from "./marginal-fold.ts";
import { TruthFold } from "./truth-fold.ts";

export interface RunFoldContext {
  plan: Plan;
  seed: number;
  clock: Run["environment"]["clock"];
  /** Pinned to: the CPU of the sender. */
  cpu: number;
  backend: Pick<ProbeBackend, "name" | "reason"> | null;
  /** Why no stage can be timed on this machine, or null. */
  untimed: string | null;
}

export interface Ending {
  interrupted: boolean;
  durationNs: number;
}

/** The document of a run, as far as its events tell it. */
export class RunFold {
  readonly #run: Run;
  readonly #context: RunFoldContext;
  #inHand: CaseFold | MarginalFold | TruthFold | null = null;
  readonly #foreign = new ForeignSeen();

  /** `begun` is the document of a run in which nothing was measured yet. */
  constructor(begun: Run, context: RunFoldContext) {
    this.#run = structuredClone(begun);
    this.#context = context;
  }

  enter(event: RunEvent): void {
    noteResume(this.#run, event);
    this.#foreign.enter(event);
    if (event.act === "check") this.#run.checks = event.checks;
    if (event.act === "begin") this.#inHand = this.#begin(event.id);
    this.#inHand?.enter(event);
    if (event.act === "end") this.#end("complete");
  }

  /** Throws for a run that does not fit its own schema. */
  document({ interrupted, durationNs }: Ending): Run {
    this.#end("interrupted");
    const run = { ...this.#run, durationNs };
    run.state = interrupted ? "interrupted" : stateOf(run);
    run.environment = withForeign(run.environment, this.#foreign);
    return runSchema.parse(run);
  }

  #begin(id: string): CaseFold | MarginalFold | TruthFold {
    const { plan, seed, clock, cpu, backend, untimed } = this.#context;
    if (id === MARGINAL && plan.marginal !== null) {
      return new MarginalFold(plan.marginal, { seed, cpu });
    }
    if (id === TRUTH && plan.truth !== null) return new TruthFold(plan.truth);
    const planned = plan.cases.find((one) => one.id === id);
    if (planned === undefined) throw new RangeError(`no case ${id} is planned`);
    const watched = isWatched(planned, plan.backend, clock);
    return new CaseFold(planned, {
      ...{ slot: SLOT, seed, clock, untimed },
      icount: clock === "icount" && watched ? backend : null,
      warnings: watched || plan.backend === "off" ? [] : [unwatched(planned)],
    });
  }

  #end(state: Case["state"]): void {
    const one = this.#inHand;
    this.#inHand = null;
    if (one instanceof MarginalFold) this.#run.slopes = one.document();
    else if (one instanceof TruthFold) this.#run.truth = one.document();
    else if (one !== null) this.#run.cases.push(valid(one.document(state)));
  }
}

/** The environment with other people's probes, where somebody could look for them. */
export function withForeign(
  environment: Run["environment"],
  { all }: ForeignSeen,
): Run["environment"] {
  return all === null ? environment : { ...environment, foreignProbes: all };
}

export function noteResume({ provenance }: Run, event: RunEvent): void {
  if (event.act === "resume") {
    provenance.resumedAt = [...(provenance.resumedAt ?? []), event.time];
  }
}

function unwatched({ topology }: PlannedCase): string {
  const why =
    topology.kind === "chain"
      ? "counts by port and decision are of one bridge, and a chain has several"
      : `${topology.kind} has no bridge of ours that could be observed`;
  return `measured without probes: ${why}`;
}

function stateOf(run: Run): Run["state"] {
  if ((run.slopes?.error ?? run.truth?.error ?? null) !== null) return "failed";
  return run.cases.some((one) => one.state === "failed") ? "failed" : "complete";
}

/** A case that does not fit the document's own schema must not cost the others theirs. */
export function valid(one: Case): Case {
  const checked = caseSchema.safeParse(one);
  if (checked.success) return one;
  const [issue] = checked.error.issues;
  const { latency: _latency, bridge: _bridge, probe: _probe, timeCheck: _check, ...rest } = one;
  return {
    ...rest,
    state: "failed",
    error: `the case's numbers are not valid at ${issue?.path.join(".")}: ${issue?.message}`,
    metrics: {},
    latency: {},
    ports: [],
  };
}
