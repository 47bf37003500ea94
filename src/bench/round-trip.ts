import type { RoundTrip } from "../document/run.ts";
import { bucketQuantile, mergeBuckets, total } from "../stats/histogram.ts";
import type { RoundTrips } from "./workloads/workload.ts";

/** Puts the round trips of all measured rounds together; undefined where there are none. */
export function roundTrip(rounds: readonly RoundTrips[]): RoundTrip | undefined {
  const [first] = rounds;
  if (first === undefined) return undefined;
  const buckets = mergeBuckets(rounds.flatMap((round) => round.buckets));
  const at = (p: number) => bucketQuantile(buckets, p);
  const missed = rounds.flatMap(({ missedSlots }) => (missedSlots === null ? [] : [missedSlots]));
  return {
    unit: "ns",
    count: total(buckets),
    p2_5: at(0.025),
    p50: at(0.5),
    p97_5: at(0.975),
    p99: at(0.99),
    p999: at(0.999),
    max: buckets.at(-1)?.[1] ?? 0,
    buckets,
    from: first.from,
    missedSlots: missed.length === 0 ? null : missed.reduce((sum, one) => sum + one, 0),
  };
}
