import type { Topology } from "../../setup/spec.ts";
import { LINKS_A_PAIR, pairCount } from "../load/pairs.ts";
import type { NumberParameter, WordParameter, WorkloadOptions } from "./parameters.ts";

const DEFAULT_MTU = 1500;
const IP_AND_UDP = 20 + 8;
const MOST = 1e9;

/** Payload of the largest datagram that needs no fragments. */
export function largestDatagram({ mtu }: Topology): number {
  return (mtu ?? DEFAULT_MTU) - IP_AND_UDP;
}

/** Connections of a workload: client and server are spread over the lab's hosts, see pairs.ts. */
export const CONNECTIONS = {
  name: "connections",
  default: 1,
  min: 1,
  max: ({ hosts }) => LINKS_A_PAIR * pairCount(hosts.length),
} satisfies NumberParameter;

export const PIPELINING = {
  name: "pipelining",
  default: 1,
  min: 1,
  max: () => 1024,
} satisfies NumberParameter;

/** Over all connections; none is as fast as possible. */
export const RATE = {
  name: "rate",
  default: null,
  min: 1,
  max: () => MOST,
} satisfies NumberParameter;

/** Over all connections; none leaves it to the duration. */
export const AMOUNT = {
  name: "amount",
  default: null,
  min: 1,
  max: () => MOST,
} satisfies NumberParameter;

export const ENGINE = {
  name: "engine",
  default: "sockets",
  choices: ["sockets", "iperf3"],
} satisfies WordParameter;

/** How many a thread holds beside its connections: epoll, timer, its event loop's own. */
const DESCRIPTORS_BESIDE = 32;

/** Descriptors that both ends of all connections take, and a listener on every host. */
export function socketDescriptors(options: WorkloadOptions, { hosts }: Topology): number {
  const connections = options.connections ?? CONNECTIONS.default;
  return 2 * connections + Math.min(connections, pairCount(hosts.length)) + DESCRIPTORS_BESIDE;
}

/** The part of `.cases[].workload` that all workloads with sockets share; what was not asked for stays out. */
export function describeOptions({ rate, amount }: WorkloadOptions) {
  return {
    ...(rate === undefined ? {} : { rate }),
    ...(amount === undefined ? {} : { amount }),
  };
}

/** The same sentence for every round, so that a case says it once. */
export function rateWarning(unreached: boolean, options: WorkloadOptions): string[] {
  if (!unreached) return [];
  return [
    `the rate of ${options.rate} a second was not reached: fewer than 99 % of the slots went out within a round; the metrics say what was`,
  ];
}
