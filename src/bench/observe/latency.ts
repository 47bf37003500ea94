import {
  type Case,
  type Latency,
  type PortAccount,
  STAGES,
  type Stage,
} from "../../document/run.ts";
import type { StageSamples } from "../../probes/account.ts";
import type { BackendName } from "../../probes/backend.ts";
import { medianOverRounds } from "../../stats/bootstrap.ts";
import { bucketQuantile, mergeBuckets, total } from "../../stats/histogram.ts";

export interface StageEvents {
  from: string;
  to: string;
}

/** Stages that are timed by the wall clock. */
type TimedStage = Exclude<Stage, "veth.in" | "veth.out">;

/** The events between which a backend times each stage. */
export function stageEvents(
  backend: BackendName,
  bypassesQdisc: boolean,
): Record<TimedStage, StageEvents> {
  if (backend !== "tracepoint") return functionEvents(backend);
  return {
    veth: { from: "net:netif_rx (in veth_xmit)", to: "net:netif_receive_skb (peer)" },
    "bridge.forward": {
      from: "net:netif_receive_skb (port)",
      to: "net:net_dev_queue (egress port)",
    },
    "bridge.flood": { from: "net:netif_receive_skb (port)", to: "net:net_dev_queue (last copy)" },
    "bridge.learn": { from: "net:netif_receive_skb (port)", to: "bridge:br_fdb_update" },
    "bridge.lookup": { from: "not observable", to: "not observable" },
    path: {
      from: bypassesQdisc
        ? "net:netif_rx (in veth_xmit of the source)"
        : "net:net_dev_queue (source)",
      to: "net:netif_receive_skb (destination)",
    },
  };
}

function functionEvents(backend: "fentry" | "kprobe"): Record<TimedStage, StageEvents> {
  const entry = (name: string) => `${backend}:${name}`;
  const exit = (name: string) => `${backend === "fentry" ? "fexit" : "kretprobe"}:${name}`;
  return {
    veth: { from: entry("veth_xmit"), to: "net:netif_receive_skb (peer)" },
    "bridge.forward": {
      from: entry("br_handle_frame_finish"),
      to: entry("br_dev_queue_push_xmit"),
    },
    "bridge.flood": {
      from: entry("br_handle_frame_finish"),
      to: `${entry("br_dev_queue_push_xmit")} (last copy)`,
    },
    "bridge.learn": { from: entry("br_handle_frame_finish"), to: exit("fdb_create") },
    "bridge.lookup": { from: entry("br_fdb_find_rcu"), to: exit("br_fdb_find_rcu") },
    path: {
      from: `${entry("veth_xmit")} (source)`,
      to: "net:netif_receive_skb (destination)",
    },
  };
}

/** Puts the samples of all measured rounds together, stage by stage. `counts` are complete counts. */
export function latencies(
  samples: readonly StageSamples[],
  counts: Partial<Record<Stage, number>>,
  events: Record<TimedStage, StageEvents>,
  rounds: ReadonlySet<number>,
  seed: number,
): Case["latency"] {
  const result: Case["latency"] = {};
  for (const stage of Object.keys(events) as TimedStage[]) {
    const mine = samples.filter((sample) => sample.stage === stage && rounds.has(sample.round));
    if (mine.length > 0) result[stage] = latency(mine, counts[stage] ?? 0, events[stage], seed);
  }
  return result;
}

/** The same for each port by ifindex, where the program booked samples by port. */
export function portLatencies(
  samples: readonly StageSamples[],
  rounds: ReadonlySet<number>,
): Map<number, PortAccount["latency"]> {
  const ports = new Map<number, PortAccount["latency"]>();
  for (const port of new Set(samples.map((sample) => sample.port))) {
    if (port === 0) continue;
    const latency: PortAccount["latency"] = {};
    for (const stage of STAGES) {
      const mine = samples.filter(
        (sample) => sample.port === port && sample.stage === stage && rounds.has(sample.round),
      );
      if (mine.length === 0) continue;
      const buckets = mergeBuckets(mine.map((sample) => sample.bucket));
      const at = (p: number) => bucketQuantile(buckets, p);
      latency[stage] = { sampled: total(buckets), p50: at(0.5), p90: at(0.9), p99: at(0.99) };
    }
    ports.set(port, latency);
  }
  return ports;
}

function latency(
  samples: readonly StageSamples[],
  count: number,
  events: StageEvents,
  seed: number,
): Latency {
  const buckets = mergeBuckets(samples.map((sample) => sample.bucket));
  const sampled = total(buckets);
  const at = (p: number) => bucketQuantile(buckets, p);
  return {
    unit: "ns",
    count: Math.max(count, sampled),
    sampled,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    p999: at(0.999),
    max: buckets.at(-1)?.[1] ?? 0,
    buckets,
    estimate: medianOverRounds(roundMedians(samples), seed),
    ...events,
  };
}

function roundMedians(samples: readonly StageSamples[]): number[] {
  const rounds = new Map<number, StageSamples["bucket"][]>();
  for (const { round, bucket } of samples) {
    const buckets = rounds.get(round);
    if (buckets === undefined) rounds.set(round, [bucket]);
    else buckets.push(bucket);
  }
  return [...rounds.values()].map((buckets) => bucketQuantile(mergeBuckets(buckets), 0.5));
}
