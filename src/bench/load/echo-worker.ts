import { parentPort, workerData } from "node:worker_threads";
import { recv, send, setThreadCpus, threadCpus } from "../../system/libc.ts";

/** Answers every datagram on a connected UDP socket until it is told to stop. */
const { fd, size, cpus, stop } = workerData as {
  fd: number;
  size: number;
  cpus: number[];
  stop: SharedArrayBuffer;
};
const flag = new Int32Array(stop);
const buffer = Buffer.alloc(size);

setThreadCpus(cpus);
parentPort?.postMessage(threadCpus());
while (Atomics.load(flag, 0) === 0) {
  const length = recv(fd, buffer);
  if (length >= 0) send(fd, buffer.subarray(0, length));
}
