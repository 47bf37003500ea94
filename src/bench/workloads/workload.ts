import type { Case, MetricName, Round } from "../../document/run.ts";
import type { BuiltLab } from "../../setup/lab.ts";
import type { TopologySpec } from "../../setup/spec.ts";

/** One kind of traffic. */
export interface Workload {
  readonly name: string;
  /** One line for help and the report: what is sent from where to where, and how. */
  readonly summary: string;
  readonly topologies: readonly TopologySpec["kind"][];
  /** True when its frames bypass the queueing discipline, so that net_dev_queue never sees them leave. */
  readonly bypassesQdisc: boolean;
  /** True when every single round-trip time goes into the document. */
  readonly keepsEachRtt: boolean;
  /** Shortest round that the generator can make, in nanoseconds. */
  readonly minimumRoundNs: number;
  /** One passage in this many is timed (a power of two): map writes are the dear part of a probe. */
  readonly sampleOneIn: number;
  /** What a person may set, with the default and the range it has on a topology. */
  readonly parameters: readonly Parameter[];
  prepare(context: WorkloadContext): Promise<Driver>;
}

export interface Parameter {
  name: WorkloadParameter;
  default: number;
  min: number;
  max(topology: TopologySpec): number;
}

export interface WorkloadContext {
  lab: BuiltLab;
  options: WorkloadOptions;
  /** CPUs that this process may use, ascending. */
  cpus: readonly number[];
  signal: AbortSignal;
}

/** What a person may set of a workload: its option on the command line, and the unit. */
export const WORKLOAD_PARAMETERS = {
  /** Of the Ethernet frame without FCS. */
  frameSize: { option: "--frame-size", unit: "bytes" },
  /** Payload of a request or a write. */
  messageSize: { option: "--message-size", unit: "bytes" },
  /** New source addresses a round. */
  addresses: { option: "--addresses", unit: "addresses" },
  /** Saturated senders at once, each with a CPU of its own. */
  senders: { option: "--senders", unit: "senders" },
} as const;
export type WorkloadParameter = keyof typeof WORKLOAD_PARAMETERS;

/** Absent is the workload's own default. */
export type WorkloadOptions = { [Name in WorkloadParameter]?: number | undefined };

export const PARAMETER_NAMES = Object.keys(WORKLOAD_PARAMETERS) as WorkloadParameter[];

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
  /** Every round-trip time of the round in nanoseconds, where the workload has them. */
  rttNs?: number[];
  /** What each train of frames took, by frame, where the workload sends trains. */
  trainNsPerFrame?: number[];
}
