/**
 * Run documents in, the comparison document out. Pure, and beside the estimators and verdicts that
 * it is made of: `bench` writes its result and `report` renders it, so it belongs to neither.
 */
import {
  COMPARE_SCHEMA,
  type ComparedSession,
  type Comparison,
  type Side,
} from "../../document/compare.ts";
import type { Run } from "../../document/run.ts";
import { compareAccounts } from "./accounts.ts";
import { distributionsOf } from "./distributions.ts";
import { differencesOf } from "./environment.ts";
import { compareFunctions } from "./functions.ts";
import { ALPHA } from "./headlines.ts";
import { type ClockMargin, casesOf, isPaired, type Labelled, type Pair } from "./pair.ts";
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
