import type { RoundTrip } from "../document/run.ts";
import { bucketQuantile, mergeBuckets, total } from "./histogram.ts";

/**
 * Puts the round trips of several rounds, or of several boots, together as if they had been measured at
 * once; nanoseconds. Undefined where nothing was answered: no percentile would mean anything.
 */
export function roundTrip(
  parts: readonly Pick<RoundTrip, "buckets" | "from" | "missedSlots">[],
): RoundTrip | undefined {
  const [first] = parts;
  const buckets = mergeBuckets(parts.flatMap((part) => part.buckets));
  const last = buckets.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const at = (p: number) => bucketQuantile(buckets, p);
  const missed = parts.flatMap(({ missedSlots }) => (missedSlots === null ? [] : [missedSlots]));
  return {
    unit: "ns",
    count: total(buckets),
    p2_5: at(0.025),
    p50: at(0.5),
    p97_5: at(0.975),
    p99: at(0.99),
    p999: at(0.999),
    max: last[1],
    buckets,
    from: first.from,
    missedSlots: missed.length === 0 ? null : missed.reduce((sum, one) => sum + one, 0),
  };
}
