import { setImmediate } from "node:timers/promises";
import { type Case, METRICS, type MetricName, type Round } from "../document/run.ts";
import { roundTrip } from "../stats/round-trip.ts";
import type { KeptRound } from "./journal/line.ts";
import type { Observation } from "./observe.ts";
import type { CaseContext, PlannedCase } from "./plan.ts";
import { readCpuTimes, stolenShare } from "./steal.ts";
import type { Driver, RoundTrips } from "./workloads/workload.ts";

/** `on` and `off`: with and without probes; `base` where a run has none at all. */
interface Side {
  side: "base" | "on" | "off";
  observation: Observation | null;
}

/**
 * Measures the rounds of one side and enters them, each when it is finished. The first round of a side takes
 * the place of what metrics there were: a case's metrics, round trips, trials and learning are of its last side.
 * Rounds that an earlier process had finished stand in the place of the first ones.
 */
export async function measureRounds(
  planned: PlannedCase,
  driver: Driver,
  { side, observation }: Side,
  result: Case,
  context: CaseContext,
): Promise<void> {
  const trips: RoundTrips[] = [];
  const offset = result.rounds.filter(({ discarded }) => discarded === null).length;
  const kept = context.inHand?.rounds.filter((one) => one.round.side === side) ?? [];
  for (let turn = 1; turn <= planned.rounds; turn++) {
    const known = kept[turn - 1];
    if (known !== undefined) {
      if (turn === 1) forget(result);
      result.rounds.push({ ...known.round, index: offset + turn });
      enter(known.measured, offset + turn, trips, result);
      context.finished(offset + turn, known.measured.metrics);
      continue;
    }
    context.signal.throwIfAborted();
    const without = side === "off" ? ", without probes" : "";
    context.progress(`round ${turn} of ${planned.rounds}${without}`);
    // Those who read the progress have their turn now, so that their time is not in the round's.
    await setImmediate();
    observation?.session.round(turn);
    const cpuBefore = readCpuTimes();
    const startNs = Number(process.hrtime.bigint());
    const measured = await driver.round(planned.durationNs);
    observation?.session.round(0);
    const index = offset + turn;
    const round: Round = {
      index,
      side,
      startNs,
      durationNs: Number(process.hrtime.bigint()) - startNs,
      cpu: measured.cpu,
      steal: stolenShare(cpuBefore, readCpuTimes()),
      discarded: null,
    };
    if (measured.rttNs !== undefined && planned.workload.keepsEachRtt) round.rttNs = measured.rttNs;
    context.journal.round(round, measured);
    result.rounds.push(round);
    if (turn === 1) forget(result);
    enter(measured, index, trips, result);
    context.finished(index, measured.metrics);
  }
}

function inRound<T extends object>(round: number, list: readonly T[]): ({ round: number } & T)[] {
  return list.map((one) => ({ round, ...one }));
}

function forget(result: Case): void {
  const { setup_time } = result.metrics;
  result.metrics = setup_time === undefined ? {} : { setup_time };
  delete result.trials;
  delete result.learning;
  delete result.roundTrip;
}

function enter(
  measured: KeptRound["measured"],
  index: number,
  trips: RoundTrips[],
  result: Case,
): void {
  if (measured.trials !== undefined) {
    result.trials = [...(result.trials ?? []), ...inRound(index, measured.trials)];
  }
  if (measured.learning !== undefined) {
    result.learning = [...(result.learning ?? []), ...inRound(index, measured.learning)];
  }
  const told = measured.warnings?.filter((warning) => !result.warnings.includes(warning)) ?? [];
  result.warnings.push(...told);
  if (measured.roundTrip !== undefined) {
    trips.push(measured.roundTrip);
    const together = roundTrip(trips);
    if (together !== undefined) result.roundTrip = together;
  }
  for (const [name, value] of Object.entries(measured.metrics)) {
    const metric = name as MetricName;
    result.metrics[metric] ??= {
      unit: METRICS[metric].unit,
      better: METRICS[metric].better,
      samples: [],
    };
    result.metrics[metric]?.samples.push(value);
  }
}
