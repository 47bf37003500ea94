import type { Topology } from "../../setup/spec.ts";
import { UsageError } from "../../system/errors.ts";

/** What a person may set of a workload as a number: its option, the unit, and a line of help. */
export const NUMBER_PARAMETERS = {
  frameSize: {
    option: "--frame-size",
    unit: "bytes",
    help: "Ethernet frame without FCS, for raw workloads",
  },
  messageSize: {
    option: "--message-size",
    unit: "bytes",
    help: "payload of a request or of one write, for streams and request/response",
  },
  addresses: {
    option: "--addresses",
    unit: "addresses",
    help: "source addresses: new ones a round for learn, the most to try for a search",
  },
  senders: {
    option: "--senders",
    unit: "senders",
    help: "senders at once, each on a host and a CPU of its own, for raw workloads",
  },
  rate: {
    option: "--rate",
    unit: "a second",
    help: "frames, messages or requests a second over all senders (as fast as possible)",
  },
  connections: {
    option: "--connections",
    unit: "connections",
    help: "sockets at once, for streams and request/response",
  },
  pipelining: {
    option: "--pipelining",
    unit: "requests",
    help: "requests outstanding on a connection, for udp-rr and tcp-rr",
  },
  amount: {
    option: "--amount",
    unit: "messages or requests",
    help: "ends a round after so many instead of after --duration",
  },
} as const;

/** The same for what is chosen by name. */
export const WORD_PARAMETERS = {
  pattern: { option: "--pattern", help: "who sends to whom, for throughput and max-forwarding" },
  engine: { option: "--engine", help: "what makes a stream: sockets (our own) or iperf3" },
} as const;

export const WORKLOAD_PARAMETERS = { ...NUMBER_PARAMETERS, ...WORD_PARAMETERS };

export type NumberName = keyof typeof NUMBER_PARAMETERS;
export type WordName = keyof typeof WORD_PARAMETERS;
export type ParameterName = NumberName | WordName;

/** Absent is the workload's own default. */
export type WorkloadOptions = { [Name in NumberName]?: number | undefined } & {
  [Name in WordName]?: string | undefined;
};

export const NUMBER_NAMES = Object.keys(NUMBER_PARAMETERS) as NumberName[];
export const WORD_NAMES = Object.keys(WORD_PARAMETERS) as WordName[];
export const PARAMETER_NAMES: readonly ParameterName[] = [...NUMBER_NAMES, ...WORD_NAMES];

/** A number that a workload takes, with the range it has on a topology; a null default is "none". */
export interface NumberParameter {
  name: NumberName;
  default: number | null;
  min: number;
  max(topology: Topology): number;
}

export interface WordParameter {
  name: WordName;
  default: string;
  choices: readonly string[];
}

export type Parameter = NumberParameter | WordParameter;

/** Throws a UsageError for a value that the parameter does not take on this topology. */
export function checkParameter(
  workload: string,
  parameter: Parameter,
  value: number | string,
  topology: Topology,
): void {
  if ("choices" in parameter) {
    if (parameter.choices.includes(String(value))) return;
    throw new UsageError(
      `${parameter.name} of ${workload} expects ${parameter.choices.join(", ")}, not "${value}"`,
    );
  }
  const max = parameter.max(topology);
  if (Number(value) >= parameter.min && Number(value) <= max) return;
  const { unit } = NUMBER_PARAMETERS[parameter.name];
  throw new UsageError(
    `${parameter.name} of ${workload} expects from ${parameter.min} to ${max} ${unit} on ${topology.label}, not ${value}`,
  );
}
