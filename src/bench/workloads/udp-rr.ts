import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { withoutPrefix } from "../../setup/network.ts";
import { ascending, quantile } from "../../stats/quantile.ts";
import { ToolError } from "../../system/errors.ts";
import { close, recv, send, setThreadCpus, threadCpus, threadCpuTimes } from "../../system/libc.ts";
import { udpSocket } from "../load/udp-socket.ts";
import { workerUrl } from "../load/worker-url.ts";
import { endpoints } from "./endpoints.ts";
import type { NumberParameter } from "./parameters.ts";
import type { Workload } from "./workload.ts";

const PORT = 7007;
/** Payload bytes: a request number at least, one unfragmented frame at most. */
const MESSAGE = {
  name: "messageSize",
  default: 64,
  min: 4,
  max: (topology) => (topology.mtu ?? 1500) - 28,
} satisfies NumberParameter;
const HEADERS = 14 + 20 + 8;
const SERVER_TIMEOUT_MS = 100;
const ANSWER_TIMEOUT_MS = 1000;
/** How long the event loop waits at most while the client thread is in its loop. */
const SLICE_NS = 50_000_000n;

export const udpRr: Workload = {
  name: "udp-rr",
  summary: "UDP request and response between the first two hosts, one outstanding, a thread each",
  topologies: ["netns", "veth", "bridge"],
  bypassesQdisc: false,
  keepsEachRtt: false,
  minimumRoundNs: 50e6,
  sampleOneIn: 1,
  parameters: [MESSAGE],
  prepare: async ({ lab, cpus, options, signal }) => {
    const { from, to } = endpoints(lab);
    const size = options.messageSize ?? MESSAGE.default;
    const client = { address: withoutPrefix(from.address), port: PORT + 1 };
    const server = { address: withoutPrefix(to.address), port: PORT };
    const clientFd = udpSocket(from.namespace, client, server, ANSWER_TIMEOUT_MS);
    const serverFd = udpSocket(to.namespace, server, client, SERVER_TIMEOUT_MS);
    const all = threadCpus();
    const clientCpus = [cpus[0] ?? 0];
    const stop = new SharedArrayBuffer(4);
    let number = 0;
    const worker = new Worker(workerUrl("echo-worker"), {
      workerData: { fd: serverFd, size, cpus: [cpus[1] ?? cpus[0] ?? 0], stop },
    });
    const [serverCpus] = (await once(worker, "message")) as [number[]];
    return {
      describe: () => ({
        name: "udp-rr",
        messageSize: size,
        frameSize: size + HEADERS,
        connections: 1,
      }),
      placement: () => [
        { thread: "client", cpus: clientCpus },
        { thread: "server", cpus: serverCpus },
      ],
      round: async (durationNs) => {
        const request = Buffer.alloc(size);
        const answer = Buffer.alloc(size);
        const rttNs: number[] = [];
        const cpu = { userNs: 0, systemNs: 0 };
        let lost = 0;
        const began = process.hrtime.bigint();
        const end = began + BigInt(Math.round(durationNs));
        while (process.hrtime.bigint() < end) {
          signal.throwIfAborted();
          setThreadCpus(clientCpus);
          const cpuBefore = threadCpuTimes();
          const sliceEnd = process.hrtime.bigint() + SLICE_NS;
          for (let now = process.hrtime.bigint(); now < sliceEnd && now < end; ) {
            number = (number + 1) >>> 0;
            request.writeUInt32LE(number);
            send(clientFd, request);
            const answered = receive(clientFd, answer, number);
            const after = process.hrtime.bigint();
            if (!answered) lost++;
            else rttNs.push(Number(after - now));
            now = after;
          }
          const cpuAfter = threadCpuTimes();
          cpu.userNs += cpuAfter.userNs - cpuBefore.userNs;
          cpu.systemNs += cpuAfter.systemNs - cpuBefore.systemNs;
          setThreadCpus(all);
          await new Promise((resolve) => setImmediate(resolve));
        }
        if (rttNs.length === 0)
          throw new ToolError("udp-rr", "udp-rr had no answer to any request");
        const sorted = ascending(rttNs);
        return {
          metrics: {
            rtt_p50: quantile(sorted, 0.5),
            rtt_p99: quantile(sorted, 0.99),
            frame_rate: (rttNs.length / Number(process.hrtime.bigint() - began)) * 1e9,
            frame_loss: lost / (lost + rttNs.length),
          },
          cpu,
        };
      },
      close: async () => {
        Atomics.store(new Int32Array(stop), 0, 1);
        await once(worker, "exit");
        close(clientFd);
        close(serverFd);
      },
    };
  },
};

/** Waits for the answer to this request; a late one to an earlier request is thrown away. */
function receive(fd: number, answer: Buffer, number: number): boolean {
  for (;;) {
    if (recv(fd, answer) < 0) return false;
    if (answer.readUInt32LE() === number) return true;
  }
}
