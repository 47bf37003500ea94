import { z } from "zod";
import { withoutPrefix } from "../../setup/network.ts";
import { type Child, finish, startChild } from "../../system/child.ts";
import { parseToolJson } from "../../system/command.ts";
import { ToolError } from "../../system/errors.ts";
import { patience } from "../../system/patience.ts";
import { printable } from "../../text/printable.ts";
import { endpoints } from "./endpoints.ts";
import type { WorkloadOptions } from "./parameters.ts";
import { CONNECTIONS, describeOptions, rateWarning } from "./socket-parameters.ts";
import type { Driver, RoundResult, WorkloadContext } from "./workload.ts";

const PORT = 5201;
const MARGIN_MS = 10_000;
const SERVER_READY_MS = patience(5_000);
/** MAX_STREAMS in iperf.h. */
const MOST_STREAMS = 128;

/** iperf3 counts in whole seconds. */
export const IPERF3_MINIMUM_NS = 1e9;

/** Why iperf3 cannot do what was asked for, or null. */
export function iperf3Unfit({ engine, connections = 1 }: WorkloadOptions): string | null {
  if (engine !== "iperf3" || connections <= MOST_STREAMS) return null;
  return `engine iperf3 holds at most ${MOST_STREAMS} connections, not ${connections}; engine sockets holds more`;
}

interface Stream {
  name: string;
  udp: boolean;
  size: number;
}

/** A stream of iperf3's between the first two hosts, its client and its server pinned like our own threads. */
export async function iperf3Driver(context: WorkloadContext, stream: Stream): Promise<Driver> {
  const { lab, options, signal } = context;
  const { from, to } = endpoints(lab);
  const [clientCpu = 0, serverCpu = clientCpu] = context.cpus;
  const connections = options.connections ?? CONNECTIONS.default;
  const server = startChild(lab.site, "iperf3", ["-s", "-p", String(PORT), "--forceflush"], {
    namespace: lab.names.namespace(to.name),
    cpus: [serverCpu],
  });
  try {
    await listening(server, signal);
  } catch (error) {
    await server.stop("SIGKILL", 1000);
    throw error;
  }
  return {
    describe: () => ({
      name: stream.name,
      messageSize: stream.size,
      connections,
      engine: "iperf3",
      ...describeOptions(options),
    }),
    placement: () => [
      { thread: "iperf3 client", cpus: [clientCpu] },
      { thread: "iperf3 server", cpus: [serverCpu] },
    ],
    round: async (durationNs) => {
      const seconds = Math.max(1, Math.round(durationNs / 1e9));
      const address = withoutPrefix(to.address);
      const client = startChild(
        lab.site,
        "iperf3",
        ["-c", address, "-p", String(PORT), "-J", ...streamArguments(stream, options, seconds)],
        { namespace: lab.names.namespace(from.name), cpus: [clientCpu] },
      );
      let text = "";
      client.process.stdout?.on("data", (data) => {
        text += String(data);
      });
      const { amount, rate } = options;
      const expectedS = amount === undefined || rate === undefined ? seconds : amount / rate;
      await finish(client, expectedS * 1000 + MARGIN_MS, signal);
      const result = parseIperf(text);
      return { ...result, warnings: rateWarning(unreached(result, stream, options), options) };
    },
    close: async () => {
      await server.stop("SIGKILL", 1000);
    },
  };
}

const REACHED = 0.99;

/** iperf3 sends what it can and does not say that it was less than asked for. */
function unreached({ metrics }: RoundResult, { size }: Stream, { rate }: WorkloadOptions): boolean {
  const { frame_rate, throughput = 0 } = metrics;
  return rate !== undefined && (frame_rate ?? throughput / (8 * size)) < REACHED * rate;
}

function streamArguments({ udp, size }: Stream, options: WorkloadOptions, seconds: number) {
  const { connections = 1, amount, rate } = options;
  // Both are a connection's own; a bit rate of 0 is none.
  const bits = rate === undefined ? 0 : Math.ceil((rate * size * 8) / connections);
  const end = amount === undefined ? ["-t", seconds] : ["-k", Math.ceil(amount / connections)];
  return [...(udp ? ["-u"] : []), "-l", size, "-P", connections, "-b", bits, ...end].map(String);
}

const amount = z.number().nonnegative().max(Number.MAX_SAFE_INTEGER);
const percent = amount.default(0);

/** `iperf3 -J`, as far as we read it; `sum` counts datagrams for UDP alone. */
const iperfResult = z.object({
  end: z.object({
    sum: z
      .object({ packets: amount.optional(), lost_packets: amount.default(0), seconds: amount })
      .optional(),
    sum_received: z.object({ bits_per_second: amount, seconds: amount }),
    cpu_utilization_percent: z.object({ host_user: percent, host_system: percent }).optional(),
  }),
});
const iperfFailure = z.object({ error: z.string() });

/** Reads `iperf3 -J`: bits received a second, datagrams where there are some, and the client's CPU time. */
export function parseIperf(text: string): RoundResult {
  const document = parseToolJson("iperf3", text, z.union([iperfFailure, iperfResult]));
  if ("error" in document) throw new ToolError("iperf3", `iperf3: ${printable(document.error)}`);
  const { sum, sum_received: received, cpu_utilization_percent: share } = document.end;
  const cpuNs = (percent = 0) => Math.round((percent / 100) * received.seconds * 1e9);
  return {
    metrics: { throughput: received.bits_per_second, ...datagrams(sum) },
    cpu: { userNs: cpuNs(share?.host_user), systemNs: cpuNs(share?.host_system) },
  };
}

/** Less than a nanosecond is no time. */
const SHORTEST_S = 1e-9;

/** Present for UDP alone. */
function datagrams(sum: z.infer<typeof iperfResult>["end"]["sum"]) {
  if (!sum?.packets || sum.seconds < SHORTEST_S) return {};
  return { frame_rate: sum.packets / sum.seconds, frame_loss: sum.lost_packets / sum.packets };
}

async function listening(server: Child, signal: AbortSignal): Promise<void> {
  let settle: () => void = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (text: string) => reject(new ToolError("iperf3", text));
      const seconds = SERVER_READY_MS / 1000;
      const timer = setTimeout(
        () => fail(`iperf3 -s did not listen within ${seconds} s`),
        SERVER_READY_MS,
      );
      const onAbort = () => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      settle = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      };
      server.process.stdout?.on("data", (data) => {
        if (String(data).includes("listening")) resolve();
      });
      void server.ended.then(() =>
        fail(`iperf3 -s ended at once: ${server.complaints() || "it said nothing"}`),
      );
    });
  } finally {
    settle();
  }
}
