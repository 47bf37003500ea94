/**
 * Run documents in, the comparison document out. Pure, and beside the estimators and verdicts that
 * it is made of: `bench` writes its result and `report` renders it, so it belongs to neither.
 */

import {
  COMPARE_SCHEMA,
  type ComparedSession,
  type Comparison,
  type FunctionChange,
  type Side,
} from "../../document/compare.ts";
import { foreignKey } from "../../document/foreign.ts";
import {
  type Case,
  type Run,
  STAGES,
  type Stage,
  type TracedFunction,
} from "../../document/run.ts";
import { type Bucket, mergeBuckets, withoutObserver } from "../histogram.ts";
import { compareAccounts } from "./accounts.ts";
import { differencesOf } from "./environment.ts";
import { ALPHA } from "./headlines.ts";
import {
  type ClockMargin,
  casesNamed,
  casesOf,
  isPaired,
  isTimeless,
  type Labelled,
  type Pair,
} from "./pair.ts";
import { compareCase } from "./stages.ts";
import { warningsOf } from "./warnings.ts";

export interface CompareOptions {
  /** The smallest change worth a verdict, as a share: 0.02 by wall clock, 0.002 in counted time. */
  readonly margin?: number | undefined;
  /** Instead of the 2 %, where no margin is given. */
  readonly clockMargin?: ClockMargin | undefined;
  /** The command line that makes the comparison again. */
  readonly argv?: readonly string[] | undefined;
}

/** Several runs of one thing: together they know how much it varies from run to run. */
export interface RunSet {
  /** What it is called; the run's own name where there is but one. */
  readonly label: string;
  /** At least one. */
  readonly runs: readonly Run[];
}

/** Every candidate against the base, case by case and stage by stage. Deterministic. */
export function compareRuns(
  base: Run | RunSet,
  candidate: Run | RunSet | readonly (Run | RunSet)[],
  options: CompareOptions = {},
): Comparison {
  const given = Array.isArray(candidate) ? candidate : [candidate];
  const [first, ...candidates] = labelled([base, ...given].map(setOf));
  if (first === undefined) throw new RangeError("compareRuns needs a base");
  const pairs = candidates.map((side) => pairOf(first, side, options));
  const matched = pairs.flatMap((pair) => casesOf(pair).map((both) => compareCase(pair, both)));
  const functions = pairs.map(compareFunctions);
  const known = functions.filter((one) => one !== null);
  return {
    schema: COMPARE_SCHEMA,
    clock: clockOf([first, ...candidates].map(({ run }) => run)),
    base: sideOf(first),
    candidates: candidates.map(sideOf),
    environment: { differences: pairs.flatMap(differencesOf) },
    functions:
      known.length === 0
        ? null
        : {
            came: known.flatMap((one) => one.came),
            went: known.flatMap((one) => one.went),
            changed: known.flatMap((one) => one.changed),
          },
    verdicts: matched.flatMap((one) => one.verdicts),
    ...(pairs.some(isPaired) ? { sessions: pairs.flatMap(sessionsOf) } : {}),
    unmatched: matched.flatMap((one) => one.unmatched),
    distributions: distributionsOf(pairs),
    // In pairs no probe is attached.
    accounts: pairs
      .filter((pair) => !isPaired(pair))
      .flatMap((pair) => casesOf(pair).flatMap((both) => compareAccounts(pair, both))),
    warnings: [...new Set(pairs.flatMap(warningsOf))],
    reproduce: [
      ...(options.argv ?? [
        "bridgescope",
        "compare",
        ...[first, ...candidates].map(({ runs, run, label }) => (runs.length > 1 ? label : run.id)),
      ]),
    ],
  };
}

function setOf(one: Run | RunSet): RunSet {
  return "runs" in one ? one : { label: one.id, runs: [one] };
}

function pairOf(base: Labelled, candidate: Labelled, options: CompareOptions): Pair {
  const { margin, clockMargin } = options;
  const pair = { base, candidate, margin, clockMargin, alpha: ALPHA };
  const shared = casesOf(pair).filter(
    (one) => one.base !== undefined && one.candidate !== undefined,
  );
  return { ...pair, alpha: ALPHA / Math.max(1, shared.length) };
}

function sessionsOf(pair: Pair): ComparedSession[] {
  return casesOf(pair).flatMap(({ id, base, candidate }) =>
    (base?.sessions ?? []).flatMap((session, index) => {
      const other = candidate?.sessions?.[index];
      if (other === undefined) return [];
      const noise = { base: session.noise, candidate: other.noise };
      const { clocksource, cpu } = pair.base.run.environment;
      const host = { clocksource, governor: cpu.governor };
      return [{ ...session, ...host, case: id, candidate: pair.candidate.label, noise }];
    }),
  );
}

function foreignIn(runs: readonly Run[]): Pick<Side, "foreignProbes"> {
  const all = runs.flatMap(({ environment }) => environment.foreignProbes ?? []);
  const foreignProbes = [...new Map(all.map((one) => [foreignKey(one), one])).values()];
  return foreignProbes.length === 0 ? {} : { foreignProbes };
}

function sideOf({ run, runs, label }: Labelled): Side {
  const { environment, guest } = run;
  const backends = runs.flatMap(({ cases }) => cases.flatMap((item) => item.probe?.backend ?? []));
  return {
    label,
    id: run.id,
    state: run.state,
    startedAt: run.startedAt,
    kernel: {
      release: environment.kernel.release,
      version: environment.kernel.version,
      compiler: environment.kernel.compiler ?? null,
    },
    cpu: environment.cpu.model,
    backends: [...new Set(backends)],
    guest:
      guest === undefined
        ? null
        : {
            spec: guest.kernel.spec,
            source: guest.kernel.source,
            sha256: guest.kernel.sha256,
            hypervisor: guest.hypervisor,
            accelerator: guest.accelerator,
            smp: guest.smp,
            boots: guest.boots.length,
          },
    argv: run.provenance.argv,
    ...foreignIn(runs),
    ...(runs.length === 1
      ? {}
      : {
          runs: runs.map(({ id, state, startedAt, durationNs }) => {
            return { id, state, startedAt, durationNs };
          }),
        }),
  };
}

/** What a person called it where that tells the sides apart, else the run's id too, else a number. */
function labelled(sets: readonly RunSet[]): Labelled[] {
  const sides = sets.map(({ runs, label }) => {
    const ordered = runs.toSorted((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
    const [run] = ordered;
    if (run === undefined) throw new RangeError("compareRuns needs a run a side");
    const own = run.guest?.kernel.spec ?? run.pairing?.label ?? run.id;
    return { run, runs: ordered, label: runs.length === 1 ? own : label };
  });
  const once = (names: readonly string[], name: string) =>
    names.indexOf(name) === names.lastIndexOf(name);
  const labels = sides.map(({ label }) => label);
  const ids = sides.map(({ run }) => run.id);
  return sides.map((side, index) => {
    const { label, run } = side;
    if (once(labels, label)) return side;
    const distinct = once(ids, run.id) && label !== run.id;
    return { ...side, label: distinct ? `${label} (${run.id})` : `${label} #${index + 1}` };
  });
}

function clockOf(runs: readonly Run[]): Comparison["clock"] {
  const clocks = new Set(runs.map((run) => run.environment.clock));
  return clocks.size > 1 ? "mixed" : (runs[0]?.environment.clock ?? "wall");
}

/** Functions on a frame's way that one kernel has and the other has not, or that are probed otherwise. */

/** Null where a run does not list its functions. */
function compareFunctions({ base, candidate }: Pair): Comparison["functions"] {
  const before = base.run.environment.functions;
  const after = candidate.run.environment.functions;
  if (before === undefined || after === undefined) return null;
  const names = [...new Set([...before, ...after].map((one) => one.name))];
  const changes = names.flatMap((name) => {
    const a = before.find((one) => one.name === name);
    const b = after.find((one) => one.name === name);
    const kind = kindOf(a, b);
    if (kind === null) return [];
    const change: FunctionChange = {
      candidate: candidate.label,
      name,
      base: described(a),
      inCandidate: described(b),
    };
    return [{ kind, change }];
  });
  const of = (kind: Kind) => changes.filter((one) => one.kind === kind).map((one) => one.change);
  return { came: of("came"), went: of("went"), changed: of("changed") };
}

type Kind = "came" | "went" | "changed";

function kindOf(a: TracedFunction | undefined, b: TracedFunction | undefined): Kind | null {
  if (!present(a)) return present(b) ? "came" : null;
  if (!present(b)) return "went";
  return waysOf(a) === waysOf(b) && a?.module === b?.module ? null : "changed";
}

/** Whether at least one kind of probe can be put on it. */
function present(one: TracedFunction | undefined): boolean {
  return one !== undefined && waysOf(one) !== "";
}

function waysOf(one: TracedFunction | undefined): string {
  if (one === undefined) return "";
  return (["fentry", "kprobe"] as const).filter((way) => one[way] === null).join(" and ");
}

function described(one: TracedFunction | undefined): string {
  if (one === undefined) return "not listed";
  const ways = waysOf(one);
  const reasons = (["fentry", "kprobe"] as const).flatMap((way) => {
    const reason = one[way];
    return reason === null ? [] : [`no ${way}: ${reason}`];
  });
  const where = one.module === null ? "" : ` in ${one.module}`;
  return [...(ways === "" ? [] : [`${ways}${where}`]), ...new Set(reasons)].join("; ");
}

type Distribution = NonNullable<Comparison["distributions"]>[number];

/** As many as a figure can show. */
const STEPS = 48;

/** Stages of which the base and at least one candidate have net times, in steps that can be drawn; empty for runs in pairs, which have no probes. */
function distributionsOf(pairs: readonly Pair[]): Distribution[] {
  const [first] = pairs;
  if (first === undefined || pairs.some(isPaired)) return [];
  const sides = [first.base, ...pairs.map((pair) => pair.candidate)];
  if (sides.some(({ run }) => isTimeless(run))) return [];
  const ids = [...new Set(first.base.runs.flatMap(({ cases }) => cases.map(({ id }) => id)))];
  return ids.flatMap((id) =>
    STAGES.flatMap((stage) => {
      const known = sides.flatMap((side) => ofStage(side, id, stage) ?? []);
      const [base, ...others] = known;
      const shared = base?.side === first.base.label && others.length > 0;
      return shared ? drawable(known) : [];
    }),
  );
}

function ofStage(side: Labelled, id: string, stage: Stage): Distribution | null {
  const found = casesNamed(side, id).flatMap(({ item }) => timed(item, stage) ?? []);
  const [one] = found;
  if (one === undefined) return null;
  const buckets = mergeBuckets(found.flatMap(({ net }) => net));
  return { case: id, side: side.label, stage, unit: one.unit, buckets };
}

function timed(item: Case, stage: Stage) {
  const { unit = "ns", raw, observer = null, withheld = null } = item.latency[stage] ?? {};
  if (raw === undefined || observer === null || withheld !== null) return null;
  const net = withoutObserver(raw.buckets, observer.value);
  return net.length === 0 ? null : { unit, net };
}

/** On one logarithmic grid, so that the sides can be laid one below the other. */
function drawable(known: readonly Distribution[]): Distribution[] {
  const all = known.flatMap(({ buckets }) => buckets);
  const low = Math.max(1, Math.min(...all.map(([lo]) => lo)));
  const high = Math.max(low + 1, ...all.map(([, hi]) => hi));
  const edge = (step: number) => low * (high / low) ** (step / STEPS);
  const stepOf = ([lo, hi]: Bucket) => {
    const middle = Math.max(low, (lo + hi) / 2);
    return Math.min(STEPS - 1, Math.floor((Math.log(middle / low) / Math.log(high / low)) * STEPS));
  };
  return known.map((one) => {
    if (one.buckets.length <= STEPS) return one;
    const steps = one.buckets.map((bucket): Bucket => {
      const step = stepOf(bucket);
      return [edge(step), edge(step + 1), bucket[2]];
    });
    return { ...one, buckets: mergeBuckets(steps) };
  });
}
