import { setTimeout as sleep } from "node:timers/promises";
import { FORWARDED } from "../../probes/counted.ts";
import { ToolError } from "../../system/errors.ts";
import { patience } from "../../system/patience.ts";
import type { DatagramSenderSetup } from "../load/datagram-sender-worker.ts";
import type { DatagramSinkSetup } from "../load/datagram-sink-worker.ts";
import type { StreamResult } from "../load/order.ts";
import { type Link, linksOf } from "../load/pairs.ts";
import { type Peers, startPeers } from "../load/peers.ts";
import type { StreamSenderSetup } from "../load/stream-sender-worker.ts";
import type { StreamSinkSetup } from "../load/stream-sink-worker.ts";
import { Tally } from "../load/tally.ts";
import { IPERF3_MINIMUM_NS, iperf3Driver, iperf3Unfit } from "./iperf3.ts";
import type { NumberParameter, WorkloadOptions } from "./parameters.ts";
import {
  AMOUNT,
  CONNECTIONS,
  describeOptions,
  ENGINE,
  largestDatagram,
  RATE,
  rateWarning,
  socketDescriptors,
} from "./socket-parameters.ts";
import type { Driver, RoundResult, Workload, WorkloadContext } from "./workload.ts";

/** As iperf3 writes by default. */
const WRITE = {
  name: "messageSize",
  default: 131_072,
  min: 1,
  max: () => 16 << 20,
} satisfies NumberParameter;

/** The whole of an Ethernet frame, or of a smaller one if the lab has such an MTU. */
const DATAGRAM = {
  name: "messageSize",
  default: 1472,
  min: 1,
  max: largestDatagram,
} satisfies NumberParameter;

const COMMON = {
  topologies: ["netns", "veth", "bridge", "chain", "external", "attach"],
  stages: FORWARDED,
  bypassesQdisc: false,
  keepsEachRtt: false,
  sampleOneIn: 16,
  minimumRoundNs: ({ engine }: WorkloadOptions) => (engine === "iperf3" ? IPERF3_MINIMUM_NS : 10e6),
  descriptors: socketDescriptors,
  unfit: iperf3Unfit,
} satisfies Partial<Workload>;

export const tcpStream: Workload = {
  ...COMMON,
  name: "tcp-stream",
  summary:
    "TCP connections between neighbouring hosts, as fast as they go (Node's sockets or iperf3)",
  parameters: [WRITE, CONNECTIONS, RATE, AMOUNT, ENGINE],
  prepare: async (context) => {
    const size = context.options.messageSize ?? WRITE.default;
    if (context.options.engine === "iperf3") {
      return iperf3Driver(context, { name: "tcp-stream", udp: false, size });
    }
    return streamDriver(context, {
      name: "tcp-stream",
      protocol: "tcp",
      size,
      start: (links, tally) =>
        startPeers<StreamResult, StreamSenderSetup, StreamSinkSetup>({
          ...context,
          workload: "tcp-stream",
          links,
          client: { file: "stream-sender-worker", setup: { links, size } },
          server: { file: "stream-sink-worker", setup: { links, tally } },
        }),
      arrival: { unitsAMessage: size, quietMs: patience(1_000) },
      metrics: ({ messages }, received, elapsedNs) => {
        if (received === messages * size) return { throughput: bitsASecond(received, elapsedNs) };
        const told = `${received} of ${messages * size} bytes arrived, then none for a second`;
        throw new ToolError("tcp-stream", `tcp-stream: ${told}; the peer stopped reading`);
      },
    });
  },
};

export const udpStream: Workload = {
  ...COMMON,
  name: "udp-stream",
  summary: "UDP datagrams between neighbouring hosts, as fast as they go (sendmmsg, or iperf3)",
  parameters: [DATAGRAM, CONNECTIONS, RATE, AMOUNT, ENGINE],
  prepare: async (context) => {
    const size =
      context.options.messageSize ?? Math.min(DATAGRAM.default, largestDatagram(context.lab.spec));
    if (context.options.engine === "iperf3") {
      return iperf3Driver(context, { name: "udp-stream", udp: true, size });
    }
    return streamDriver(context, {
      name: "udp-stream",
      protocol: "udp",
      size,
      start: (links, tally) =>
        startPeers<StreamResult, DatagramSenderSetup, DatagramSinkSetup>({
          ...context,
          workload: "udp-stream",
          links,
          client: { file: "datagram-sender-worker", setup: { links, size, tally } },
          server: { file: "datagram-sink-worker", setup: { links, size, tally } },
        }),
      // What has not come a tenth of a second after the last that came was dropped.
      arrival: { unitsAMessage: 1, quietMs: patience(100) },
      metrics: (sent, received, elapsedNs) => {
        if (received === 0) {
          const told = `none of ${sent.messages} datagrams arrived`;
          throw new ToolError("udp-stream", `udp-stream: ${told}; the peer cannot be reached`);
        }
        return {
          throughput: bitsASecond(received * size, elapsedNs),
          frame_rate: (sent.messages / sent.elapsedNs) * 1e9,
          frame_loss: 1 - received / sent.messages,
        };
      },
    });
  },
};

interface Stream {
  name: string;
  protocol: "udp" | "tcp";
  size: number;
  start(links: Link[], tally: SharedArrayBuffer): Promise<Peers<StreamResult>>;
  /** What the receiver counts of a message, and after how long a silence nothing more comes. */
  arrival: { unitsAMessage: number; quietMs: number };
  /** `elapsedNs` is from the first write to the last arrival. */
  metrics(sent: StreamResult, received: number, elapsedNs: number): RoundResult["metrics"];
}

async function streamDriver(context: WorkloadContext, stream: Stream): Promise<Driver> {
  const { options, signal } = context;
  const connections = options.connections ?? CONNECTIONS.default;
  const tally = new Tally();
  const peers = await stream.start(
    linksOf(context.lab, stream.protocol, connections),
    tally.memory,
  );
  const { unitsAMessage, quietMs } = stream.arrival;
  return {
    describe: () => ({
      name: stream.name,
      messageSize: stream.size,
      connections,
      engine: "sockets",
      ...describeOptions(options),
    }),
    placement: peers.placement,
    round: async (durationNs) => {
      const { amount = null, rate = null } = options;
      const before = tally.received;
      const sent = await peers.round({ durationNs, amount, rate });
      await settle(tally, before + sent.messages * unitsAMessage, quietMs, signal);
      const received = tally.received - before;
      return {
        metrics: stream.metrics(sent, received, tally.lastNs - sent.beganNs),
        cpu: sent.cpu,
        warnings: rateWarning(sent.unreached, options),
      };
    },
    close: peers.close,
  };
}

function bitsASecond(bytes: number, elapsedNs: number): number {
  return (bytes * 8e9) / elapsedNs;
}

const LOOK_MS = 5;

/** Waits until all has arrived, or nothing more does. */
async function settle(
  tally: Tally,
  expected: number,
  quietMs: number,
  signal: AbortSignal,
): Promise<void> {
  let seen = tally.received;
  let since = Date.now();
  while (seen < expected && Date.now() - since < quietMs) {
    await sleep(LOOK_MS, undefined, { signal });
    if (tally.received === seen) continue;
    seen = tally.received;
    since = Date.now();
  }
}
