import { type Case, type Latency, type Run, STAGES } from "../document/run.ts";
import { countedLatency } from "../stats/counted-latency.ts";
import { mergeBuckets } from "../stats/histogram.ts";
import { median } from "../stats/quantile.ts";
import { roundTrip } from "../stats/round-trip.ts";

/**
 * Puts the boots of one kernel together as one run: rounds one after the other with the boot that each
 * was of, samples added up, and the headline of a stage over all rounds with the boots' span as its
 * interval. `boots` are in order, and at least one; cases are matched by id.
 */
export function mergeBoots(boots: readonly Run[]): Run {
  const [first] = boots;
  if (first === undefined) throw new RangeError("mergeBoots needs at least one run");
  return {
    ...first,
    state: worst(boots.map((run) => run.state)),
    durationNs: boots.reduce((sum, run) => sum + run.durationNs, 0),
    cases: first.cases.map((one) =>
      mergeCase(
        boots.flatMap((run, boot) => {
          const found = run.cases.find(({ id }) => id === one.id);
          return found === undefined ? [] : [{ boot, found }];
        }),
      ),
    ),
  };
}

interface Booted {
  boot: number;
  found: Case;
}

function mergeCase(all: readonly Booted[]): Case {
  const [first] = all;
  if (first === undefined) throw new RangeError("a case of no boot");
  const rounds: Case["rounds"] = [];
  const bootOf = new Map<number, number>();
  const renumbered: Booted[] = all.map(({ boot, found }) => {
    const offset = rounds.length;
    for (const round of found.rounds) {
      const index = offset + round.index;
      bootOf.set(index, boot);
      rounds.push({ ...round, index, boot });
    }
    return { boot, found: { ...found, latency: shifted(found.latency, offset) } };
  });
  const { found } = first;
  const trips = roundTrip(all.flatMap((one) => one.found.roundTrip ?? []));
  return {
    ...found,
    state: worst(all.map((one) => one.found.state)),
    error: all.map((one) => one.found.error).find((error) => error !== null) ?? null,
    warnings: [...new Set(all.flatMap((one) => one.found.warnings))],
    rounds,
    metrics: mergeMetrics(all),
    latency: mergeLatency(renumbered, bootOf),
    ...(trips === undefined ? {} : { roundTrip: trips }),
    ...(found.probe === undefined ? {} : { probe: mergeProbe(all, found.probe) }),
  };
}

function shifted(latency: Case["latency"], offset: number): Case["latency"] {
  return Object.fromEntries(
    Object.entries(latency).map(([stage, one]) => [
      stage,
      { ...one, perRound: one.perRound?.map((row) => ({ ...row, round: row.round + offset })) },
    ]),
  );
}

function mergeMetrics(all: readonly Booted[]): Case["metrics"] {
  const metrics: Case["metrics"] = {};
  for (const { found } of all) {
    for (const [name, metric] of Object.entries(found.metrics)) {
      const known = metrics[name];
      if (known === undefined) metrics[name] = { ...metric, samples: [...metric.samples] };
      else known.samples.push(...metric.samples);
    }
  }
  return metrics;
}

function mergeLatency(
  all: readonly Booted[],
  bootOf: ReadonlyMap<number, number>,
): Case["latency"] {
  const merged: Case["latency"] = {};
  for (const stage of STAGES) {
    const parts = all.flatMap(({ found }): Latency[] => {
      const one = found.latency[stage];
      return one === undefined ? [] : [one];
    });
    const [first] = parts;
    if (first === undefined) continue;
    const perRound = parts.flatMap((part) => part.perRound ?? []);
    const buckets = mergeBuckets(parts.flatMap((part) => part.raw.buckets));
    const observers = parts.flatMap(({ observer }) => observer?.value ?? []);
    const observer = {
      value: Math.round(median(observers)),
      ci: [Math.min(...observers), Math.max(...observers)] satisfies [number, number],
    };
    const { from, to } = first;
    merged[stage] = countedLatency(
      { buckets, perRound, observer, from, to },
      (round) => bootOf.get(round) ?? 0,
    );
  }
  return merged;
}

function mergeProbe(all: readonly Booted[], first: NonNullable<Case["probe"]>): Case["probe"] {
  const probes = all.flatMap(({ found }) => found.probe ?? []);
  const sum = (pick: (probe: NonNullable<Case["probe"]>) => number) =>
    probes.reduce((total, probe) => total + pick(probe), 0);
  return {
    ...first,
    lost: sum((probe) => probe.lost),
    missed: sum((probe) => probe.missed),
    degraded: [...new Set(probes.flatMap((probe) => probe.degraded))],
  };
}

function worst(states: readonly Run["state"][]): Run["state"] {
  return (["failed", "interrupted"] as const).find((state) => states.includes(state)) ?? "complete";
}
