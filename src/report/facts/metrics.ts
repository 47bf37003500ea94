/** A case's metrics as series over its rounds, and which of them is the headline. */
import { type Case, METRICS, type MetricName } from "../../document/run.ts";
import { pairedSamples } from "../../stats/samples.ts";
import { type Spread, spread } from "./samples.ts";

export interface RoundSample {
  readonly round: number;
  /** CLOCK_MONOTONIC nanoseconds; null where rounds have no clock in common, or none is known. */
  readonly startNs: number | null;
  readonly value: number;
  /** Why the round does not count, or null. */
  readonly discarded: string | null;
}

export interface Series {
  readonly metric: string;
  readonly title: string;
  readonly unit: string;
  readonly better: "lower" | "higher";
  readonly samples: readonly RoundSample[];
  /** Over the rounds that count; null when none does. */
  readonly spread: Spread | null;
}

const ORDER = Object.keys(METRICS);
const HEADLINES = 2;

/** Every metric of the case that has a sample, in the order of METRICS; unknown ones last. */
export function seriesOf(item: Case): Series[] {
  return metricNames(item)
    .map((metric) => seriesFor(item, metric))
    .filter(({ samples }) => samples.length > 0);
}

/** What the case is known by: its first metrics. */
export function headlinesOf(item: Case): Series[] {
  const measured = seriesOf(item).filter((series) => series.spread !== null);
  const workload = measured.filter((series) => series.metric !== "setup_time");
  const first = (workload.length > 0 ? workload : measured).slice(0, HEADLINES);
  const lossy = measured.filter((s) => s.metric === "frame_loss" && (s.spread?.max ?? 0) > 0);
  return [...first, ...lossy.filter((series) => !first.includes(series))];
}

/** `CPU time a frame`, or the metric's own name where the product does not know it. */
export function metricTitle(metric: string): string {
  return Object.hasOwn(METRICS, metric) ? METRICS[metric as MetricName].title : metric;
}

function seriesFor(item: Case, metric: string): Series {
  const samples = pairedSamples(item, metric).map(({ value, round }, index) => ({
    value,
    round: round?.index ?? index,
    // Boots of a guest have a clock each.
    startNs: round === null || round.boot !== undefined ? null : round.startNs,
    discarded: round?.discarded ?? null,
  }));
  const counted = samples.filter((sample) => sample.discarded === null);
  return {
    metric,
    title: metricTitle(metric),
    unit: item.metrics[metric]?.unit ?? "",
    better: item.metrics[metric]?.better ?? "lower",
    samples,
    spread: spread(counted.map((sample) => sample.value)),
  };
}

function metricNames(item: Case): string[] {
  const rank = (name: string) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return Object.keys(item.metrics).toSorted((a, b) => rank(a) - rank(b));
}
