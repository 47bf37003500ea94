import type { Latency } from "../document/run.ts";
import { countedEstimate } from "./counted.ts";
import { bucketQuantile } from "./histogram.ts";

/** The document's form of exact samples: buckets one wide, and the mode as headline. */
export function countedLatency(
  buckets: Latency["buckets"],
  perRound: NonNullable<Latency["perRound"]>,
  from: string,
  to: string,
  bootOf: (round: number) => number = () => 0,
): Latency {
  const sampled = buckets.reduce((sum, [, , count]) => sum + count, 0);
  const at = (p: number) => Math.floor(bucketQuantile(buckets, p));
  return {
    unit: "instructions",
    count: sampled,
    sampled,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    p999: at(0.999),
    max: buckets.at(-1)?.[1] ?? 0,
    buckets,
    estimate: countedEstimate(perRound.map(({ value, round }) => ({ value, boot: bootOf(round) }))),
    perRound,
    from,
    to,
  };
}
