// Loaded into a process under `--expose-gc`: answers a message with the bytes that are left after full collections.
import { setTimeout as sleep } from "node:timers/promises";

/** One may only end a marking that had begun; what finalizers hold goes with the next. */
const COLLECTIONS = 4;

process.on("message", async () => {
  for (let made = 0; made < COLLECTIONS; made++) {
    globalThis.gc();
    await sleep(10);
  }
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  process.send(heapUsed + external);
});
process.channel.unref();
