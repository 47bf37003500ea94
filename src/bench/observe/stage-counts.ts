import type { Latency } from "../../document/case.ts";
import type { StageCounts } from "../../document/event.ts";
import { CALIBRATION_ROUND, type CountedStage } from "../../probes/counted.ts";
import { ascending } from "../../stats/quantile.ts";

export type RoundSamples = ReadonlyMap<number, ReadonlyMap<number, number>>;

/** What a stage took in instructions, net of its two probes: the mode of each round, and all samples. */
export function stageCountsOf(
  stage: CountedStage,
  ends: Pick<StageCounts, "from" | "to"> & { pair: string },
  samples: RoundSamples,
  rounds: readonly number[],
  faults: Pick<StageCounts, "lost" | "degraded">,
): StageCounts {
  const { pair, from, to } = ends;
  const common = { stage, from, to, lost: faults.lost };
  const empty = commonest(samples.get(CALIBRATION_ROUND) ?? new Map());
  if (empty === null) {
    const degraded = [...faults.degraded, `the empty path under ${pair} gave no samples`];
    return { ...common, degraded, observer: null, perRound: [], buckets: [], reason: null };
  }
  const perRound: NonNullable<Latency["perRound"]> = [];
  const raw = new Map<number, number>();
  for (const index of rounds) {
    const round = samples.get(index) ?? new Map<number, number>();
    const mode = commonest(round);
    if (mode === null) continue;
    perRound.push({ round: index, ...mode, value: Math.max(0, mode.value - empty.value) });
    for (const [gross, count] of round) raw.set(gross, (raw.get(gross) ?? 0) + count);
  }
  return {
    ...common,
    degraded: faults.degraded,
    observer: { pair, ...empty },
    perRound,
    buckets: [...raw]
      .sort(([a], [b]) => a - b)
      .map(([value, count]): [number, number, number] => [value, value + 1, count]),
    reason: perRound.length === 0 ? "no frame of the workload passed it" : null,
  };
}

/** A train's instructions per frame, where now and then one's work is done in the next: the lower median. */
export function instructionsPerFrame(trainNsPerFrame: readonly number[]): number | null {
  if (trainNsPerFrame.length === 0) return null;
  const sorted = ascending(trainNsPerFrame);
  return Math.round(sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN);
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
