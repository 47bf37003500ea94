import type { Latency } from "../../document/case.ts";
import type { StageCounts } from "../../document/event.ts";
import { CALIBRATION_ROUND, type CountedStage } from "../../probes/counted.ts";

export type RoundSamples = ReadonlyMap<number, ReadonlyMap<number, number>>;

/** What a stage took in instructions, net of its two probes: the mode of each round, and all samples. */
export function stageCountsOf(
  stage: CountedStage,
  ends: Pick<StageCounts, "from" | "to"> & { pair: string; emptyPath: number },
  samples: RoundSamples,
  rounds: readonly number[],
  faults: Pick<StageCounts, "lost" | "degraded">,
): StageCounts {
  const { pair, from, to, emptyPath } = ends;
  const common = { stage, from, to, lost: faults.lost };
  const empty = commonest(samples.get(CALIBRATION_ROUND) ?? new Map());
  if (empty === null) {
    const degraded = [...faults.degraded, `the empty path under ${pair} gave no samples`];
    return { ...common, degraded, observer: null, perRound: [], buckets: [], reason: null };
  }
  const probes = Math.max(0, empty.value - emptyPath);
  const perRound: NonNullable<Latency["perRound"]> = [];
  const raw = new Map<number, number>();
  for (const index of rounds) {
    const round = samples.get(index) ?? new Map<number, number>();
    const mode = commonest(round);
    if (mode === null) continue;
    perRound.push({ round: index, ...mode, value: Math.max(0, mode.value - probes) });
    for (const [gross, count] of round) raw.set(gross, (raw.get(gross) ?? 0) + count);
  }
  return {
    ...common,
    degraded: faults.degraded,
    observer: { pair, ...empty, value: probes },
    perRound,
    buckets: [...raw]
      .sort(([a], [b]) => a - b)
      .map(([value, count]): [number, number, number] => [value, value + 1, count]),
    reason: perRound.length === 0 ? "no frame of the workload passed it" : null,
  };
}

/**
 * Instructions of a frame in most trains of a round. Where no two agree it is the shortest train: what else the CPU does
 * meanwhile (the timer, another thread) only adds.
 */
export function instructionsPerFrame(trainNsPerFrame: readonly number[]): number | null {
  const seen = new Map<number, number>();
  for (const value of trainNsPerFrame.map(Math.round)) seen.set(value, (seen.get(value) ?? 0) + 1);
  return commonest(seen)?.value ?? null;
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
