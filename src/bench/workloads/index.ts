import { UsageError } from "../../system/errors.ts";
import { ping, pingFlood } from "./ping.ts";
import { broadcast, flood, forward, learn } from "./raw.ts";
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
  forward,
  learn,
  flood,
  broadcast,
];

export function workloadNamed(name: string): Workload {
  const workload = WORKLOADS.find((candidate) => candidate.name === name);
  if (workload !== undefined) return workload;
  const known = WORKLOADS.map((candidate) => candidate.name).join(", ");
  throw new UsageError(`unknown workload "${name}"; known are ${known}`);
}
