import { parentPort, workerData } from "node:worker_threads";
import { saturate, trainOf } from "./saturate.ts";
import type { Sender } from "./senders.ts";

/** One more sender: each message is the duration of a round in nanoseconds, each answer what was sent. */
const { fd, frame, burst, cpu } = workerData as Sender;
const train = trainOf(Buffer.from(frame), burst);
const { signal } = new AbortController();

parentPort?.on("message", async (durationNs: number) => {
  parentPort?.postMessage(await saturate(fd, () => train, { durationNs }, cpu, signal));
});
