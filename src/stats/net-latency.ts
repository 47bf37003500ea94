/**
 * A stage without its observer. What lies between the two clock readings of a sample is the stage, the tail of the first
 * event (the store, the return, the way out of the tracepoint), and the head of the second (the way in, the clock). An
 * empty path under the same ends shows tail and head alone; where whole events of ours lie inside the stage too, their
 * cost is the case's own slow-down divided by its events. Both are taken out, session by session: each session attaches
 * its programs anew, which places their code anew, and that is what varies. Nested traced time is subtracted in the same
 * way by ftrace (graph-time off) and TAU (Malony and others, 1992).
 */
import { type Bucket, bucketQuantile, mergeBuckets, total } from "./histogram.ts";
import { mean, variance } from "./moments.ts";
import { studentQuantile } from "./student.ts";

/** What one session says of one stage. */
export interface StageSession {
  raw: readonly Bucket[];
  /** The empty path in the same session. */
  empty: readonly Bucket[];
  /** Nanoseconds that a whole event of ours costs; null where the case has no number to tell it by. */
  eventNs: number | null;
}

export interface NetLatency {
  sampled: number;
  p10: number | null;
  p50: number | null;
  p90: number | null;
  estimate: { value: number; ci: [number, number]; method: string; n: number } | null;
  raw: {
    p10: number;
    p50: number;
    p90: number;
    p99: number;
    p999: number;
    max: number;
    buckets: Bucket[];
  };
  observer: { value: number; ci: [number, number]; method: string } | null;
  withheld: string | null;
  /** The net mean of each session, in their order; NaN of one without samples. */
  sessions: number[];
}

/** Fewer samples say nothing of a distribution. */
const LEAST = 50;
/** Of an observer that varies by more than this between sessions nothing can be taken out. */
const MOST_SPREAD = 1.5;
/** The same for events inside the stage, as a share of the mean: of two sessions, one of which has 1.5 times the other's. */
const MOST_DEVIATION = 0.283;
/** Means are trimmed: they add up along a way, as medians do not, but a timer tick would carry them off. */
const TRIM: readonly [number, number] = [0.02, 0.95];
const LEVEL = 0.95;

/** `inner` is how many whole events of ours lie between the ends of one sample. */
export function netLatency(all: readonly StageSession[], inner: number): NetLatency {
  const sessions = all.filter(({ raw }) => total(raw) > 0);
  const raw = percentiles(mergeBuckets(sessions.flatMap((one) => one.raw)));
  const sampled = total(raw.buckets);
  const observers = sessions.map((one) => observerOf(one, inner));
  const known = observers.filter((value) => value !== null);
  const observer = known.length > 0 && known.length === observers.length ? spread(known) : null;
  const method = inner > 0 ? METHOD_INNER : METHOD;
  const result: NetLatency = {
    sampled,
    ...{ p10: null, p50: null, p90: null, estimate: null },
    raw,
    observer: observer === null ? null : { ...observer, method },
    withheld: whyWithheld({ sessions, sampled, raw, observers: known, observer, inner }),
    sessions: [],
  };
  if (result.withheld !== null || observer === null) return result;
  const nets = sessions.map((one, index) => trimmedMean(one.raw) - (known[index] ?? Number.NaN));
  const { value, ci } = spread(nets);
  const inOrder = all.map((one) => nets[sessions.indexOf(one)] ?? Number.NaN);
  const net = (gross: number) => Math.max(0, gross - observer.value);
  return {
    ...result,
    ...{ p10: net(raw.p10), p50: net(raw.p50), p90: net(raw.p90), sessions: inOrder },
    estimate: nets.length < 2 ? null : { value, ci, method: ESTIMATE, n: nets.length },
  };
}

const METHOD = "the same ends on adjacent events (netif_rx_entry, netif_rx)";
const METHOD_INNER = `${METHOD}, and events of ours inside the stage by the slow-down that they cause`;
const ESTIMATE =
  "trimmed mean (2 to 95 %) less the observer's, mean over sessions, 95 % by Student's t over sessions";

function whyWithheld(found: {
  sessions: readonly StageSession[];
  sampled: number;
  raw: NetLatency["raw"];
  /** Of each session, the events inside the stage with it. */
  observers: readonly number[];
  observer: { value: number } | null;
  inner: number;
}): string | null {
  const { sessions, sampled, raw, observers, observer, inner } = found;
  if (sampled < LEAST) return `only ${sampled} frames were timed`;
  const fewest = Math.min(...sessions.map(({ empty }) => total(empty)));
  if (fewest < LEAST) return `the empty path under the same probes gave only ${fewest} samples`;
  if (observer === null) {
    return `${inner} events of ours lie inside the stage, and nothing tells what one costs here`;
  }
  const empties = sessions.map(({ empty }) => trimmedMean(empty));
  const varies =
    Math.max(...empties) > MOST_SPREAD * Math.min(...empties) ||
    deviation(observers) > MOST_DEVIATION * observer.value;
  if (varies) {
    const [low, high] = [Math.min(...observers), Math.max(...observers)];
    return `the probes' own share varied from ${Math.round(low)} to ${Math.round(high)} ns between sessions`;
  }
  if (observer.value >= raw.p50) {
    return `below what can be seen here: of ${Math.round(raw.p50)} ns the probes take ${Math.round(observer.value)}`;
  }
  return null;
}

function observerOf({ empty, eventNs }: StageSession, inner: number): number | null {
  if (total(empty) < LEAST) return null;
  if (inner > 0 && eventNs === null) return null;
  return trimmedMean(empty) + inner * (eventNs ?? 0);
}

/** The mean over sessions, and its interval; of one session, itself. */
export function spread(values: readonly number[]): { value: number; ci: [number, number] } {
  const n = values.length;
  const value = mean(values);
  if (n < 2) return { value, ci: [value, value] };
  const half = (studentQuantile((1 - LEVEL) / 2, n - 1) * deviation(values)) / Math.sqrt(n);
  return { value, ci: [value - half, value + half] };
}

/** The sample's standard deviation; 0 of one value. */
function deviation(values: readonly number[]): number {
  return Math.sqrt(variance(values) ?? 0);
}

/** The mean of what lies between two shares of the samples, each at the middle of its bucket. */
export function trimmedMean(buckets: readonly Bucket[], [from, to] = TRIM): number {
  const n = total(buckets);
  let passed = 0;
  let sum = 0;
  let weight = 0;
  for (const [lo, hi, count] of buckets) {
    const kept = Math.min(passed + count, to * n) - Math.max(passed, from * n);
    if (kept > 0) {
      sum += (kept * (lo + hi)) / 2;
      weight += kept;
    }
    passed += count;
  }
  return sum / weight;
}

/** Percentiles of a merged histogram as `.latency.<stage>.raw` has them. */
export function percentiles(buckets: Bucket[]): NetLatency["raw"] {
  const at = (p: number) => bucketQuantile(buckets, p);
  return {
    ...{ p10: at(0.1), p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999) },
    max: buckets.at(-1)?.[1] ?? 0,
    buckets,
  };
}
