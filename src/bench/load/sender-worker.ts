import { parentPort, workerData } from "node:worker_threads";
import { type Bound, preparedSender, type Sender } from "./send.ts";

/** One more sender: each message bounds a round, each answer is what was sent. */
const send = preparedSender(workerData as Sender);
const { signal } = new AbortController();

parentPort?.on("message", async (bound: Bound) => {
  parentPort?.postMessage(await send(bound, signal));
});
