import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type SendResult, saturate, trainOf } from "./saturate.ts";
import { workerUrl } from "./worker-url.ts";

/** One saturated sender: a packet socket, the frame it repeats, and the CPU it is pinned to. */
export interface Sender {
  fd: number;
  frame: Uint8Array;
  /** Frames a system call. */
  burst: number;
  cpu: number;
}

export interface Senders {
  /** All send at once for this long. */
  round(durationNs: number, signal: AbortSignal): Promise<SendResult>;
  close(): Promise<void>;
}

/** The first sender is this thread, every other one a thread of its own. */
export function startSenders(first: Sender, others: readonly Sender[]): Senders {
  const train = trainOf(Buffer.from(first.frame), first.burst);
  const workers = others.map(
    (sender) => new Worker(workerUrl("sender-worker"), { workerData: sender }),
  );
  return {
    round: async (durationNs, signal) => {
      const answers = workers.map(async (worker): Promise<SendResult> => {
        const answer = once(worker, "message", { signal });
        worker.postMessage(durationNs);
        const [result] = await answer;
        return result;
      });
      const all = await Promise.all([
        saturate(first.fd, () => train, { durationNs }, first.cpu, signal),
        ...answers,
      ]);
      return all.reduce(together);
    },
    close: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function together(one: SendResult, other: SendResult): SendResult {
  return {
    frames: one.frames + other.frames,
    elapsedNs: Math.max(one.elapsedNs, other.elapsedNs),
    trainNsPerFrame: [...one.trainNsPerFrame, ...other.trainNsPerFrame],
    cpuNs: one.cpuNs + other.cpuNs,
    cpu: {
      userNs: one.cpu.userNs + other.cpu.userNs,
      systemNs: one.cpu.systemNs + other.cpu.systemNs,
    },
  };
}
