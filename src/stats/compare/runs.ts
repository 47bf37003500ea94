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
import { differencesOf } from "./environment.ts";
import { compareFunctions } from "./functions.ts";
import { type ClockMargin, casesOf, isPaired, type Pair } from "./pair.ts";
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

/** Every candidate against the base, case by case and stage by stage. Deterministic. */
export function compareRuns(
  base: Run,
  candidate: Run | readonly Run[],
  options: CompareOptions = {},
): Comparison {
  const candidates = "schema" in candidate ? [candidate] : candidate;
  const [baseLabel = base.id, ...labels] = labelsOf([base, ...candidates]);
  const pairs = candidates.map(
    (run, index): Pair => ({
      base: { run: base, label: baseLabel },
      candidate: { run, label: labels[index] ?? run.id },
      margin: options.margin,
      clockMargin: options.clockMargin,
    }),
  );
  const matched = pairs.flatMap((pair) => casesOf(pair).map((both) => compareCase(pair, both)));
  const functions = pairs.map(compareFunctions);
  const known = functions.filter((one) => one !== null);
  return {
    schema: COMPARE_SCHEMA,
    clock: clockOf([base, ...candidates]),
    base: sideOf(base, baseLabel),
    candidates: candidates.map((run, index) => sideOf(run, labels[index] ?? run.id)),
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
    // In pairs no probe is attached.
    accounts: pairs
      .filter((pair) => !isPaired(pair))
      .flatMap((pair) => casesOf(pair).flatMap((both) => compareAccounts(pair, both))),
    warnings: [...new Set(pairs.flatMap(warningsOf))],
    reproduce: [
      ...(options.argv ?? ["bridgescope", "compare", base.id, ...candidates.map((run) => run.id)]),
    ],
  };
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

function sideOf(run: Run, label: string): Side {
  const { environment, guest } = run;
  const backends = run.cases.flatMap((item) => item.probe?.backend ?? []);
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
  };
}

/** What a person called it where that tells the runs apart, else the run's id too, else a number. */
function labelsOf(runs: readonly Run[]): string[] {
  const specs = runs.map((run) => run.guest?.kernel.spec ?? run.pairing?.label ?? run.id);
  const once = (names: readonly string[], name: string) =>
    names.indexOf(name) === names.lastIndexOf(name);
  const ids = runs.map((run) => run.id);
  return runs.map((run, index) => {
    const spec = specs[index] ?? run.id;
    if (once(specs, spec)) return spec;
    return once(ids, run.id) && spec !== run.id ? `${spec} (${run.id})` : `${spec} #${index + 1}`;
  });
}

function clockOf(runs: readonly Run[]): Comparison["clock"] {
  const clocks = new Set(runs.map((run) => run.environment.clock));
  return clocks.size > 1 ? "mixed" : (runs[0]?.environment.clock ?? "wall");
}
