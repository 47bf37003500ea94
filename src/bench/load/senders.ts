import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type Bound, preparedSender, type Sender, type SendResult } from "./send.ts";
import { workerUrl } from "./worker-url.ts";

export interface Senders {
  /** All send at once, each its share of the rate; `frames` are by stream, in the order of the senders. */
  round(bound: Bound, signal: AbortSignal): Promise<SendResult>;
  close(): Promise<void>;
}

/** The first sender is this thread, every other one a thread of its own. */
export function startSenders(senders: readonly Sender[]): Senders {
  const [first, ...others] = senders;
  if (first === undefined) throw new RangeError("a workload without a sender");
  const send = preparedSender(first);
  const workers = others.map(
    (sender) => new Worker(workerUrl("sender-worker"), { workerData: sender }),
  );
  return {
    round: async (bound, signal) => {
      const share = {
        ...bound,
        rate: bound.rate === undefined ? undefined : bound.rate / senders.length,
      };
      const answers = workers.map(async (worker): Promise<SendResult> => {
        const answer = once(worker, "message", { signal });
        worker.postMessage(share);
        const [result] = await answer;
        return result;
      });
      const all = await Promise.all([send(share, signal), ...answers]);
      return all.reduce(together);
    },
    close: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function together(one: SendResult, other: SendResult): SendResult {
  return {
    frames: [...one.frames, ...other.frames],
    elapsedNs: Math.max(one.elapsedNs, other.elapsedNs),
    trainNsPerFrame: [...one.trainNsPerFrame, ...other.trainNsPerFrame],
    cpuNs: one.cpuNs + other.cpuNs,
    ksoftirqdNs: one.ksoftirqdNs + other.ksoftirqdNs,
    cpu: {
      userNs: one.cpu.userNs + other.cpu.userNs,
      systemNs: one.cpu.systemNs + other.cpu.systemNs,
    },
  };
}
