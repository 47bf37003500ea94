import type { MetricName, Probe } from "../../document/case.ts";
import type { MeasuredRound } from "../../document/event.ts";
import { ratioOfPairs } from "../../stats/paired/ratio.ts";

/** Where observing shows first, in the order of preference. */
const METRIC_ORDER: readonly MetricName[] = ["ns_per_frame", "rtt_p50", "throughput"];

/** The workload's own number with probes on and off, from pairs of rounds; null where it has none. */
export function probeEffect(
  pairs: readonly (readonly MeasuredRound[])[],
  seed: number,
): Probe["overhead"] {
  const rounds = pairs.flat();
  const first = rounds.find(({ side }) => side === "on")?.measured.metrics;
  const metric = METRIC_ORDER.find((name) => first?.[name] !== undefined);
  if (metric === undefined) return null;
  const values = (side: "on" | "off") =>
    rounds
      .filter((round) => round.side === side)
      .map(({ measured }) => measured.metrics[metric] ?? Number.NaN);
  const [on, off] = [values("on"), values("off")];
  return { metric, on, off, ...ratioOfPairs(on, off, seed) };
}
