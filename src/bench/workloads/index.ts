import { UsageError } from "../../system/errors.ts";
import { addressCaching, addressLearning } from "./address-search.ts";
import { learn } from "./learn.ts";
import { ping, pingFlood } from "./ping.ts";
import { maxForwarding, throughput } from "./rate-search.ts";
import { RAW_WORKLOADS } from "./raw.ts";
import { tcpCrr, tcpRr, udpRr } from "./request-response.ts";
import { tcpStream, udpStream } from "./streams.ts";
import type { Workload } from "./workload.ts";

export const WORKLOADS: readonly Workload[] = [
  ping,
  pingFlood,
  tcpStream,
  udpStream,
  tcpRr,
  udpRr,
  tcpCrr,
  ...RAW_WORKLOADS,
  learn,
  throughput,
  maxForwarding,
  addressCaching,
  addressLearning,
];

export function workloadNamed(name: string): Workload {
  const workload = WORKLOADS.find((candidate) => candidate.name === name);
  if (workload !== undefined) return workload;
  const known = WORKLOADS.map((candidate) => candidate.name).join(", ");
  throw new UsageError(`unknown workload "${name}"; known are ${known}`);
}
