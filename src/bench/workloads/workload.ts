import type { Case, MetricName, Round } from "../../document/run.ts";
import type { CountedStage } from "../../probes/counted.ts";
import type { BuiltLab } from "../../setup/lab.ts";
import type { Topology } from "../../setup/spec.ts";
import type { Bucket } from "../../stats/histogram.ts";
import type { Parameter, WorkloadOptions } from "./parameters.ts";

/** One kind of traffic. */
export interface Workload {
  readonly name: string;
  /** One line for help and the report: what is sent from where to where, and how. */
  readonly summary: string;
  readonly topologies: readonly Topology["kind"][];
  /** The stages that its frames pass in numbers: those that are counted in instructions. */
  readonly stages: readonly CountedStage[];
  /** True when its frames bypass the queueing discipline, so that net_dev_queue never sees them leave. */
  readonly bypassesQdisc: boolean;
  /** True when every single round-trip time goes into the document. */
  readonly keepsEachRtt: boolean;
  /** Shortest round that the generator can make, in nanoseconds. */
  readonly minimumRoundNs: number | ((options: WorkloadOptions) => number);
  /** Trials of a round's length that one round of a search may take; 1 when absent. */
  readonly trialsPerRound?: number;
  /** Hosts without which it makes no sense; the topology's own least when absent. */
  readonly leastHosts?: number;
  /** The bridge's own device hears its frames as well. */
  readonly heardByHost?: boolean;
  /** One frame in this many is timed (a power of two): map writes are the dear part of a probe. */
  readonly sampleOneIn: number;
  /** What a person may set, with the default and the range it has on a topology. */
  readonly parameters: readonly Parameter[];
  /** Descriptors that its sockets take at once; absent where they are a handful. */
  descriptors?(options: WorkloadOptions, topology: Topology): number;
  /** Why options that are each in their range cannot go together, or not on this topology; or null. */
  unfit?(options: WorkloadOptions, topology: Topology): string | null;
  prepare(context: WorkloadContext): Promise<Driver>;
}

export interface WorkloadContext {
  lab: BuiltLab;
  options: WorkloadOptions;
  /** CPUs that this process may use, ascending. */
  cpus: readonly number[];
  signal: AbortSignal;
}

/** A workload that is set up in a lab. */
export interface Driver {
  /** `.cases[].workload`: every parameter that shaped the traffic. */
  describe(): Case["workload"];
  placement(): { thread: string; cpus: number[] }[];
  round(durationNs: number): Promise<RoundResult>;
  close(): Promise<void>;
}

export interface RoundResult {
  metrics: Partial<Record<MetricName, number>>;
  cpu: Round["cpu"];
  /** Nanoseconds that the sender's ksoftirqd ran, where there is one sender that knows. */
  ksoftirqdNs?: number;
  /** Every round-trip time of the round in nanoseconds, where the workload has them. */
  rttNs?: number[];
  /** The same as a histogram, where the workload has round trips. */
  roundTrip?: RoundTrips;
  /** What a reader of the case has to know of this round; the same sentence of several rounds is told once. */
  warnings?: string[];
  /** Where the round was a search: every trial of it, in order. */
  trials?: Trial[];
  /** Where the round taught the bridge addresses: what each train of frames took while the FDB filled. */
  learning?: Omit<NonNullable<Case["learning"]>[number], "round">[];
  /** What each train of frames took, by frame, where the workload sends trains. */
  trainNsPerFrame?: number[];
}

/** One trial of a search, as `.cases[].trials[]` has it. */
export type Trial = Omit<NonNullable<Case["trials"]>[number], "round">;

/** Round trips of one round, in nanoseconds. */
export interface RoundTrips {
  buckets: Bucket[];
  /** What the clock was started by: the request that was sent, or the moment at which it should have been. */
  from: "request sent" | "intended send time";
  /** Slots of a fixed rate in which no request went out before the next was due; null without a rate. */
  missedSlots: number | null;
}
