import { FORWARDED } from "../../probes/counted.ts";
import type { Topology } from "../../setup/spec.ts";
import { bucketQuantile } from "../../stats/histogram.ts";
import { ToolError } from "../../system/errors.ts";
import type { EchoSetup } from "../load/echo-worker.ts";
import type { ExchangeResult } from "../load/exchange-loop.ts";
import type { ExchangeKind, ExchangeSetup } from "../load/exchange-worker.ts";
import { linksOf } from "../load/pairs.ts";
import { startPeers } from "../load/peers.ts";
import type { NumberParameter, WorkloadOptions } from "./parameters.ts";
import {
  AMOUNT,
  CONNECTIONS,
  describeOptions,
  largestDatagram,
  PIPELINING,
  RATE,
  rateWarning,
  socketDescriptors,
} from "./socket-parameters.ts";
import type { RoundResult, Workload } from "./workload.ts";

const SMALL = 64;
/** UDP carries a request's number. */
const NUMBER_BYTES = 4;
const UDP_HEADERS = 14 + 20 + 8;

const DATAGRAM = {
  name: "messageSize",
  default: SMALL,
  min: NUMBER_BYTES,
  max: largestDatagram,
} satisfies NumberParameter;

const MESSAGE = {
  name: "messageSize",
  default: SMALL,
  min: 1,
  max: (_topology: Topology) => 1 << 20,
} satisfies NumberParameter;

export const udpRr = requestResponse({
  name: "udp-rr",
  kind: "udp",
  summary: "UDP request and response between neighbouring hosts, one outstanding a connection",
  parameters: [DATAGRAM, CONNECTIONS, PIPELINING, RATE, AMOUNT],
  describe: ({ messageSize = SMALL }) => ({ frameSize: messageSize + UDP_HEADERS }),
});

export const tcpRr = requestResponse({
  name: "tcp-rr",
  kind: "tcp",
  summary: "TCP request and response between neighbouring hosts, one outstanding a connection",
  parameters: [MESSAGE, CONNECTIONS, PIPELINING, RATE, AMOUNT],
  describe: () => ({}),
});

export const tcpCrr = requestResponse({
  name: "tcp-crr",
  kind: "transaction",
  summary:
    "A TCP connection for every request: connect, request, response, close (by RST, so that no port waits)",
  parameters: [MESSAGE, CONNECTIONS, RATE, AMOUNT],
  describe: () => ({ close: "reset" }),
});

interface Kind {
  name: string;
  kind: ExchangeKind;
  summary: string;
  parameters: Workload["parameters"];
  describe(options: WorkloadOptions): Record<string, string | number>;
}

function requestResponse({ name, kind, summary, parameters, describe }: Kind): Workload {
  return {
    name,
    summary,
    topologies: ["netns", "veth", "bridge", "chain", "external", "attach"],
    stages: FORWARDED,
    bypassesQdisc: false,
    keepsEachRtt: false,
    minimumRoundNs: 10e6,
    sampleOneIn: 8,
    parameters,
    descriptors: socketDescriptors,
    prepare: async ({ lab, cpus, options, signal }) => {
      const size = options.messageSize ?? SMALL;
      const connections = options.connections ?? CONNECTIONS.default;
      const pipelining = options.pipelining ?? PIPELINING.default;
      const protocol = kind === "udp" ? "udp" : "tcp";
      const links = linksOf(lab, protocol, connections);
      const peers = await startPeers<ExchangeResult, ExchangeSetup, EchoSetup>({
        workload: name,
        links,
        cpus,
        signal,
        client: {
          file: "exchange-worker",
          setup: { kind, links, size, pipelining, spins: cpus.length > 1 },
        },
        server: {
          file: "echo-worker",
          setup: { protocol, links, size },
        },
      });
      return {
        describe: () => ({
          name,
          messageSize: size,
          connections,
          ...(kind === "transaction" ? {} : { pipelining }),
          ...describe(options),
          ...describeOptions(options),
        }),
        placement: peers.placement,
        round: async (durationNs) => {
          const { amount = null, rate = null } = options;
          const result = await peers.round({ durationNs, amount, rate });
          if (result.answered === 0) {
            const asked = `none of ${result.sent} requests had an answer within a second`;
            throw new ToolError(name, `${name}: ${asked}; the peer is gone or cannot be reached`);
          }
          return roundResult(kind, result, options);
        },
        close: peers.close,
      };
    },
  };
}

function roundResult(
  kind: ExchangeKind,
  result: ExchangeResult,
  options: WorkloadOptions,
): RoundResult {
  const { sent, answered, lost, buckets, missedSlots } = result;
  return {
    metrics: {
      rtt_p50: bucketQuantile(buckets, 0.5),
      rtt_p99: bucketQuantile(buckets, 0.99),
      frame_rate: (answered / result.elapsedNs) * 1e9,
      ...(kind === "udp" ? { frame_loss: lost / sent } : {}),
    },
    cpu: result.cpu,
    roundTrip: {
      buckets,
      from: missedSlots === null ? "request sent" : "intended send time",
      missedSlots,
    },
    warnings: rateWarning(result.unreached, options),
  };
}
