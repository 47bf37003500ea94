import { randomBytes, randomInt } from "node:crypto";
import type { Comparison } from "../../document/compare.ts";
import type { RunProgress } from "../../document/progress.ts";
import { type Case, type Run, runSchema } from "../../document/run.ts";
import { findingsOf, headlinesOf, isFlagged } from "../../stats/compare/paired.ts";
import { compareRuns } from "../../stats/compare/runs.ts";
import { cpusFor, goOn, newRun } from "../bench.ts";
import { emptyCase, sentence } from "../case-document.ts";
import { checkDescriptors } from "../descriptors.ts";
import { checkFeatures } from "../features.ts";
import type { VersusJournal } from "../journal/journal.ts";
import type { SessionEvent } from "../journal/line.ts";
import type { Resumed } from "../journal/read.ts";
import type { Plan, PlannedCase } from "../plan.ts";
import { type CaseProgress, progressOf } from "../progress.ts";
import { buildStanding, type StandingLab } from "../standing.ts";
import type { Driver } from "../workloads/workload.ts";
import { type VersusPlan, versusNs } from "./plan.ts";
import { type Built, measureSession, type Stand } from "./session.ts";
import { type Both, type SessionPlan, SIDES, type SideName } from "./sides.ts";
import { NO_TAPE, pairsIn, type Tape } from "./tape.ts";

export interface VersusOptions {
  /** The command line that a person would type to get this comparison again. */
  argv: readonly string[];
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: RunProgress) => void) | undefined;
  /** Where what is finished is written down, opened when the base's document has its id; nowhere when absent. */
  openJournal?: ((base: Run) => VersusJournal) | undefined;
  /** What an earlier process had finished of this very plan. */
  resumed?: Resumed | undefined;
}

/** Both sides' documents, and the verdicts on them. */
export interface Versus extends Both<Run> {
  comparison: Comparison;
}

/**
 * Measures two variants side by side and compares them. Throws a UsageError or a PrerequisiteError before
 * anything is measured, and never for what a case does: that is in the documents.
 */
export async function runVersus(plan: VersusPlan, options: VersusOptions): Promise<Versus> {
  const signal = options.signal ?? new AbortController().signal;
  const startedAt = new Date();
  const began = process.hrtime.bigint();
  const seed = plan.seed ?? randomInt(2 ** 31);
  const cpus = cpusFor(plan);
  const steps = stepsOf(plan);
  for (const side of SIDES)
    checkDescriptors({ ...steps, cases: plan.cases.map((one) => one[side]) });
  const progress = progressOf(steps, options.onProgress ?? (() => {}));
  progress.preparing("preparing", "asking the kernel what it can do");
  const all = { ...steps, cases: plan.cases.flatMap(({ base, candidate }) => [base, candidate]) };
  await checkFeatures(all, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  const beginning = { argv: options.argv, plan: "versus", seed, startedAt };
  const { resumed } = options;
  const begun = await newRun(beginning, null);
  const journal = options.openJournal?.(begun) ?? NO_JOURNAL;
  if (resumed !== undefined) goOn(begun, resumed);
  const runs = { base: begun, candidate: structuredClone(begun) };
  const session = randomBytes(8).toString("hex");
  for (const side of SIDES) {
    runs[side].id = `${begun.id}-${side}`;
    runs[side].pairing = { session, side, label: plan.labels[side] };
    runs[side].cases = resumed?.compared.map((cases) => cases[side]) ?? [];
  }
  for (const [index, planned] of plan.cases.entries()) {
    if (index < runs.base.cases.length) continue;
    if (signal.aborted) break;
    const told = progress.begin(stepOf(plan, planned.base), index);
    const earlier = resumed?.measuring?.id === planned.base.id ? resumed.measuring.sessions : [];
    const context = { ...told, signal, cpus, seed: seed + 2 * index, journal, earlier };
    const cases = await measureCase(plan, planned, context);
    for (const side of SIDES) runs[side].cases.push(cases[side]);
    if (cases.base.state !== "interrupted") journal.compared(cases);
  }
  const durationNs = (resumed?.elapsedNs ?? 0) + Number(process.hrtime.bigint() - began);
  const finished = (side: keyof Both<Run>) => {
    const run = runs[side];
    const failed = run.cases.some((one) => one.state === "failed");
    run.state = signal.aborted ? "interrupted" : failed ? "failed" : "complete";
    return runSchema.parse({ ...run, durationNs });
  };
  const done = { base: finished("base"), candidate: finished("candidate") };
  const { margin } = plan;
  const comparison = compareRuns(done.base, done.candidate, {
    margin,
    argv: begun.provenance.argv,
  });
  return { ...done, comparison };
}

interface Context extends CaseProgress {
  signal: AbortSignal;
  cpus: readonly number[];
  seed: number;
}

interface CaseContext extends Context {
  journal: VersusJournal;
  /** What an earlier process had finished of this case, by measurement. */
  earlier: readonly SessionEvent[][];
}

const NO_JOURNAL: VersusJournal = { measuring: () => {}, event: () => {}, compared: () => {} };

/** Measures one case, and once more where something was found. Never throws. */
async function measureCase(
  plan: VersusPlan,
  planned: Both<PlannedCase>,
  context: CaseContext,
): Promise<Both<Case>> {
  const cases = { base: emptyCase(planned.base), candidate: emptyCase(planned.candidate) };
  const session = (measurement: number): SessionPlan => ({
    measurement,
    seed: context.seed + measurement - 1,
    roundNs: planned.base.durationNs,
    budgetNs: plan.budgetNs,
    pairs: plan.pairs,
    margin: plan.margin,
    alpha: plan.alpha,
  });
  const measure = (measurement: number) => {
    const { journal } = context;
    journal.measuring(planned.base.id, measurement);
    const earlier = context.earlier[measurement - 1] ?? [];
    const tape = { earlier, record: (event: SessionEvent) => journal.event(event) };
    return measureOnce(planned, session(measurement), cases, context, tape);
  };
  try {
    await measure(1);
    if (flagged(cases, plan.margin)) await measure(2);
    for (const side of SIDES) cases[side].state = "complete";
  } catch (error) {
    for (const side of SIDES) {
      cases[side].state = context.signal.aborted ? "interrupted" : "failed";
      if (!context.signal.aborted) cases[side].error = sentence(error);
    }
  }
  const kept = pairsIn(context.earlier.flat());
  if (kept > 0) {
    const warning = `the run was cut off and resumed: ${kept} of the pairs are of before`;
    for (const side of SIDES) cases[side].warnings.push(warning);
  }
  return cases;
}

function flagged({ base, candidate }: Both<Case>, margin: number): boolean {
  const session = base.sessions?.[0];
  if (session === undefined) return false;
  return isFlagged(findingsOf(base, candidate, session, { margin, metrics: headlinesOf(base) }));
}

/** One measurement; its labs are built in this order and in the other one in turn. */
export async function measureOnce(
  planned: Both<PlannedCase>,
  session: SessionPlan,
  cases: Both<Case>,
  context: Context,
  tape: Tape = NO_TAPE,
): Promise<void> {
  // The labs of an earlier process had their turns.
  let turn = session.measurement + tape.earlier.filter((event) => "built" in event).length;
  const stand = () =>
    standBoth(planned, turn++ % 2 === 1 ? SIDES : SIDES.toReversed(), cases, context);
  // What exists already cannot be built anew.
  const renew = SIDES.every((side) => planned[side].topology.kind !== "attach");
  await measureSession(session, { stand, renew, tape }, cases, context);
}

/** Builds both labs, in that order, and sets the workload up in each. */
async function standBoth(
  planned: Both<PlannedCase>,
  order: readonly SideName[],
  cases: Both<Case>,
  { signal, cpus }: Pick<Context, "signal" | "cpus">,
): Promise<Stand> {
  const labs: StandingLab[] = [];
  const drivers: Partial<Both<Driver>> = {};
  const built: Partial<Built> = {};
  const close = async () => {
    for (const driver of Object.values(drivers)) await driver.close();
    for (const { lab } of labs) await lab.close();
  };
  try {
    for (const side of order) {
      const { topology, workload, options } = planned[side];
      const one = cases[side];
      const standing = await buildStanding(topology, signal, (text) => {
        if (!one.warnings.includes(text)) one.warnings.push(text);
      });
      labs.push(standing);
      const driver = await workload.prepare({ lab: standing.lab, options, cpus, signal });
      drivers[side] = driver;
      built[side] = {
        workload: driver.describe(),
        lab: { ...standing.read, placement: driver.placement() },
        warnings: [...one.warnings],
        setupNs: topology.kind === "attach" ? null : standing.lab.setupNs,
      };
    }
    return { drivers: both(drivers), built: both(built), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function both<T>({ base, candidate }: Partial<Both<T>>): Both<T> {
  if (base === undefined || candidate === undefined) throw new RangeError("a side has no lab");
  return { base, candidate };
}

/** The comparison as steps whose progress is told: a round of a step is a pair. */
export function stepsOf(plan: VersusPlan): Plan {
  return {
    name: "versus",
    cases: plan.cases.map(({ base }) => stepOf(plan, base)),
    backend: "off",
    ladder: false,
    slopes: null,
    cpus: plan.cpus,
  };
}

function stepOf(plan: VersusPlan, planned: PlannedCase): PlannedCase {
  const durationNs = 2 * planned.durationNs;
  const ns = versusNs({ ...plan, cases: [{ base: planned, candidate: planned }] });
  return { ...planned, durationNs, rounds: plan.pairs ?? Math.ceil(ns / durationNs) };
}
