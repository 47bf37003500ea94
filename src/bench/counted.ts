import type { Case, Latency, Round } from "../document/run.ts";
import { METRICS } from "../document/run.ts";
import { fullMaps } from "../probes/account.ts";
import type { ProbeBackend } from "../probes/backend.ts";
import {
  CALIBRATION_ROUND,
  type CountedSession,
  type CountedStage,
  countedRefusal,
  countedSamples,
  startCounted,
} from "../probes/counted.ts";
import type { BuiltLab } from "../setup/lab.ts";
import { readLab } from "../setup/read-lab.ts";
import { waitUntilReady } from "../setup/ready.ts";
import { standUp } from "../setup/stand.ts";
import { countedLatency } from "../stats/counted-latency.ts";
import { ascending } from "../stats/quantile.ts";
import { BridgescopeError } from "../system/errors.ts";
import { openPrivateSite } from "../system/site.ts";
import { emptyCase, sentence } from "./case-document.ts";
import type { CaseContext, PlannedCase } from "./plan.ts";
import type { Driver, RoundResult } from "./workloads/workload.ts";

/** The stages that a workload's frames pass in numbers. */
const STAGES_OF: Record<string, readonly CountedStage[]> = {
  flood: ["bridge.flood"],
  broadcast: ["bridge.flood"],
  learn: ["bridge.learn"],
};
const FORWARDED: readonly CountedStage[] = ["bridge.forward", "veth", "bridge.lookup"];

/**
 * Runs a case on a machine whose clock counts instructions: first rounds without probes, then rounds
 * for each stage with nothing but that stage's two probes. Every round has a lab of its own, since the
 * seed of the FDB's hash is drawn with every bridge and shifts what a look-up takes.
 */
export async function runCountedCase(planned: PlannedCase, context: CaseContext): Promise<Case> {
  const result = emptyCase(planned);
  try {
    await countMetrics(planned, result, context);
    if (context.backend !== null) await countStages(planned, context.backend, result, context);
    result.state = "complete";
  } catch (error) {
    result.state = context.signal.aborted ? "interrupted" : "failed";
    if (!context.signal.aborted) result.error = sentence(error);
  }
  return result;
}

async function countMetrics(planned: PlannedCase, result: Case, context: CaseContext) {
  for (let index = 1; index <= planned.rounds; index++) {
    context.progress(`round ${index} of ${planned.rounds}, without probes`);
    const { trainNsPerFrame = [] } = await freshRound(planned, result, context, {
      // The sender's own code takes fewer instructions once the engine has optimised it.
      warmUpNs: planned.warmUpNs,
    });
    if (trainNsPerFrame.length === 0) {
      context.finished(index, {});
      continue;
    }
    const instructions = ordinary(trainNsPerFrame);
    result.metrics.instructions_per_frame ??= {
      unit: METRICS.instructions_per_frame.unit,
      better: METRICS.instructions_per_frame.better,
      samples: [],
    };
    result.metrics.instructions_per_frame.samples.push(instructions);
    context.finished(index, { instructions_per_frame: instructions });
  }
}

/** A train's instructions by frame, where now and then one's work is done in the next: the lower median. */
function ordinary(trains: readonly number[]): number {
  const sorted = ascending(trains);
  return Math.round(sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN);
}

async function countStages(
  planned: PlannedCase,
  backend: ProbeBackend,
  result: Case,
  context: CaseContext,
): Promise<void> {
  const stages = planned.topology.kind === "bridge" ? stagesOf(planned) : [];
  const probe: NonNullable<Case["probe"]> = {
    backend: backend.name,
    reason: backend.reason,
    events: 0,
    lost: 0,
    missed: 0,
    degraded: [],
    emptyNs: null,
    programs: [],
    overhead: null,
    notObservable: [],
    calibration: [],
  };
  result.probe = probe;
  for (const stage of stages) {
    const refusal = countedRefusal(stage, backend);
    if (refusal !== null) {
      probe.notObservable.push({ stage, reason: refusal });
      continue;
    }
    context.progress(`attaching the probes of ${stage}`);
    const site = await openPrivateSite();
    let counted: CountedSession | null = null;
    try {
      counted = await startCounted(site, stage, backend, context.signal);
      counted.calibrate();
      const indexes = await stageRounds(planned, stage, counted, result, context);
      const records = await counted.session.stop();
      enter(stage, counted, countedSamples(records), indexes, result);
      probe.lost += records.lost;
      probe.degraded.push(...records.errors);
      for (const map of fullMaps(records, counted.session.rooms)) {
        probe.degraded.push(`map ${map} is full`);
      }
    } finally {
      await counted?.session.kill();
      counted?.close();
      await site.close();
    }
  }
}

function stagesOf(planned: PlannedCase): readonly CountedStage[] {
  return STAGES_OF[planned.workload.name] ?? FORWARDED;
}

async function stageRounds(
  planned: PlannedCase,
  stage: CountedStage,
  { session }: CountedSession,
  result: Case,
  context: CaseContext,
): Promise<number[]> {
  const indexes: number[] = [];
  for (let turn = 1; turn <= planned.rounds; turn++) {
    context.progress(`${stage}, round ${turn} of ${planned.rounds}`);
    indexes.push(result.rounds.length + 1);
    await freshRound(planned, result, context, { mark: (index) => session.round(index) });
  }
  return indexes;
}

interface Fresh {
  /** Absent where the first frames may be among those that are counted: a mode does not mind them. */
  warmUpNs?: number;
  /** Tells the probes which round it is; absent in a round without probes. */
  mark?(round: number): void;
}

/** One round on a lab that nothing has passed before. */
async function freshRound(
  planned: PlannedCase,
  result: Case,
  context: CaseContext,
  { warmUpNs, mark }: Fresh,
): Promise<RoundResult> {
  const { signal } = context;
  signal.throwIfAborted();
  const warn = (sentence: string) => void result.warnings.push(sentence);
  const lab = await standUp(planned.topology, { signal, warn });
  try {
    await waitUntilReady(lab, signal);
    const { options } = planned;
    const driver = await planned.workload.prepare({ lab, options, cpus: context.cpus, signal });
    try {
      if (result.rounds.length === 0) await describeLab(lab, driver, result);
      if (warmUpNs !== undefined) await driver.round(warmUpNs);
      const index = result.rounds.length + 1;
      if (index >= CALIBRATION_ROUND) throw new BridgescopeError("too many rounds for one case");
      const startNs = Number(process.hrtime.bigint());
      mark?.(index);
      const measured = await driver.round(planned.durationNs);
      mark?.(0);
      const durationNs = Number(process.hrtime.bigint()) - startNs;
      const { cpu } = measured;
      const round: Round = {
        index,
        side: mark === undefined ? "off" : "on",
        startNs,
        durationNs,
        cpu,
        steal: null,
        discarded: null,
      };
      result.rounds.push(round);
      return measured;
    } finally {
      await driver.close();
    }
  } finally {
    await lab.close();
  }
}

async function describeLab(lab: BuiltLab, driver: Driver, result: Case): Promise<void> {
  result.workload = driver.describe();
  result.lab = { ...(await readLab(lab)), placement: driver.placement() };
}

function enter(
  stage: CountedStage,
  { pair, from, to }: CountedSession,
  samples: ReadonlyMap<number, ReadonlyMap<number, number>>,
  indexes: readonly number[],
  result: Case,
): void {
  const empty = commonest(samples.get(CALIBRATION_ROUND) ?? new Map());
  if (empty === null) {
    result.probe?.degraded.push(`the empty path under ${pair} gave no samples`);
    return;
  }
  result.probe?.calibration?.push({ pair: `${stage}: ${pair}`, ...empty });
  const perRound: NonNullable<Latency["perRound"]> = [];
  const net = new Map<number, number>();
  for (const index of indexes) {
    const round = samples.get(index) ?? new Map<number, number>();
    const mode = commonest(round);
    if (mode === null) continue;
    perRound.push({ round: index, ...mode, value: Math.max(0, mode.value - empty.value) });
    for (const [gross, count] of round) {
      const value = Math.max(0, gross - empty.value);
      net.set(value, (net.get(value) ?? 0) + count);
    }
  }
  if (perRound.length === 0) {
    result.probe?.notObservable.push({ stage, reason: "no frame of the workload passed it" });
    return;
  }
  const buckets = [...net]
    .sort(([a], [b]) => a - b)
    .map(([value, count]): [number, number, number] => [value, value + 1, count]);
  result.latency[stage] = countedLatency(buckets, perRound, from, to);
}

/** The most frequent value, the least among equals; how many samples had it, and of how many. */
function commonest(
  samples: ReadonlyMap<number, number>,
): { value: number; n: number; of: number } | null {
  const [first] = [...samples].sort(([a, n], [b, m]) => m - n || a - b);
  if (first === undefined) return null;
  const of = [...samples.values()].reduce((sum, count) => sum + count, 0);
  return { value: first[0], n: first[1], of };
}
