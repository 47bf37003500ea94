import type { Latency } from "../document/run.ts";
import { countedEstimate } from "./counted.ts";
import { bucketQuantile } from "./histogram.ts";
import { percentiles } from "./net-latency.ts";

export interface CountedSamples {
  /** As measured, one wide. */
  buckets: Latency["raw"]["buckets"];
  /** Net. */
  perRound: NonNullable<Latency["perRound"]>;
  /** The mode over the empty path, and how far the boots lie apart in it. */
  observer: { value: number; ci?: [number, number] };
  from: string;
  to: string;
}

/** The document's form of exact samples: the mode as headline, and percentiles net of the two probes. */
export function countedLatency(
  { buckets, perRound, observer, from, to }: CountedSamples,
  bootOf: (round: number) => number = () => 0,
): Latency {
  const sampled = buckets.reduce((sum, [, , count]) => sum + count, 0);
  const at = (p: number) => Math.max(0, Math.floor(bucketQuantile(buckets, p)) - observer.value);
  return {
    unit: "instructions",
    count: sampled,
    sampled,
    p10: at(0.1),
    p50: at(0.5),
    p90: at(0.9),
    estimate: countedEstimate(perRound.map(({ value, round }) => ({ value, boot: bootOf(round) }))),
    raw: percentiles(buckets),
    observer: {
      value: observer.value,
      ci: observer.ci ?? [observer.value, observer.value],
      method: "mode over an empty path under the same two probes",
    },
    withheld: null,
    perRound,
    from,
    to,
  };
}
