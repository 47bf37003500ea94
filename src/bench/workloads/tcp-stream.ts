import { withoutPrefix } from "../../setup/network.ts";
import { finish, startChild } from "../../system/child.ts";
import { parseToolJson } from "../../system/command.ts";
import { ToolError } from "../../system/errors.ts";
import { endpoints } from "./endpoints.ts";
import type { Workload } from "./workload.ts";

const PORT = 5201;
const MARGIN_MS = 10_000;
const SERVER_READY_MS = 5_000;

export const tcpStream: Workload = {
  name: "tcp-stream",
  summary: "One TCP connection from the first host to the second, as fast as it goes (iperf3)",
  topologies: ["netns", "veth", "bridge"],
  bypassesQdisc: false,
  keepsEachRtt: false,
  // iperf3 counts in whole seconds.
  minimumRoundNs: 1e9,
  sampleOneIn: 16,
  parameters: [],
  prepare: async ({ lab, cpus, signal }) => {
    const { from, to } = endpoints(lab);
    const server = startChild(lab.site, "iperf3", ["-s", "-p", String(PORT), "--forceflush"], {
      namespace: lab.names.namespace(to.name),
    });
    await listening(server);
    return {
      describe: () => ({ name: "tcp-stream", connections: 1, engine: "iperf3" }),
      placement: () => [
        { thread: "iperf3 client", cpus: [...cpus] },
        { thread: "iperf3 server", cpus: [...cpus] },
      ],
      round: async (durationNs) => {
        const seconds = Math.max(1, Math.round(durationNs / 1e9));
        const client = startChild(
          lab.site,
          "iperf3",
          ["-c", withoutPrefix(to.address), "-p", String(PORT), "-t", String(seconds), "-J"],
          { namespace: lab.names.namespace(from.name) },
        );
        let text = "";
        client.process.stdout?.on("data", (data) => {
          text += String(data);
        });
        await finish(client, seconds * 1000 + MARGIN_MS, signal);
        return parseIperf(text);
      },
      close: async () => {
        await server.stop("SIGKILL", 1000);
      },
    };
  },
};

/** Reads `iperf3 -J`: bits received a second, and the CPU time that the client took. */
export function parseIperf(text: string) {
  const document = parseToolJson("iperf3", text) as {
    error?: unknown;
    end?: {
      sum_received?: { bits_per_second?: unknown; seconds?: unknown };
      cpu_utilization_percent?: { host_user?: unknown; host_system?: unknown };
    };
  } | null;
  if (document?.error !== undefined)
    throw new ToolError("iperf3", `iperf3: ${String(document.error)}`);
  const received = document?.end?.sum_received;
  const throughput = received?.bits_per_second;
  if (typeof throughput !== "number" || !Number.isFinite(throughput)) {
    throw new ToolError("iperf3", "iperf3 -J printed no end.sum_received.bits_per_second");
  }
  const elapsedNs = Number(received?.seconds ?? 0) * 1e9;
  const share = document?.end?.cpu_utilization_percent;
  return {
    metrics: { throughput },
    cpu: {
      userNs: Math.round((Number(share?.host_user ?? 0) / 100) * elapsedNs),
      systemNs: Math.round((Number(share?.host_system ?? 0) / 100) * elapsedNs),
    },
  };
}

async function listening(server: ReturnType<typeof startChild>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(
          new ToolError("iperf3", `iperf3 -s did not listen within ${SERVER_READY_MS / 1000} s`),
        ),
      SERVER_READY_MS,
    );
    server.process.stdout?.on("data", (data) => {
      if (!String(data).includes("listening")) return;
      clearTimeout(timer);
      resolve();
    });
    void server.ended.then(() => {
      clearTimeout(timer);
      reject(
        new ToolError(
          "iperf3",
          `iperf3 -s ended at once: ${server.complaints() || "it said nothing"}`,
        ),
      );
    });
  });
}
