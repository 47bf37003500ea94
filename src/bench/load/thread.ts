import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { ToolError } from "../../system/errors.ts";
import { patience } from "../../system/patience.ts";
import { printable } from "../../text/printable.ts";
import { Control } from "./control.ts";
import type { ThreadData, ThreadMessage } from "./inside-thread.ts";
import { workerUrl } from "./worker-url.ts";

/** A thread of this process in a namespace of the lab. */
export interface LoadThread<Order, Result> {
  /** Where the kernel lets it run. */
  readonly cpus: number[];
  round(order: Order): Promise<Result>;
  /** Never resolves; rejects with a sentence once the thread is of no use any more. */
  readonly failed: Promise<never>;
  /** Ends the thread, whatever it does, and closes what it has opened. */
  close(): Promise<void>;
}

export interface ThreadRequest<Setup> {
  /** The workload, which errors name. */
  workload: string;
  /** What it is in the workload: client or server. */
  name: string;
  setup: Setup;
  /** CPUs that it is pinned to. */
  cpus: readonly number[];
  /** Where its first sockets belong. */
  namespaceFd: number;
  signal: AbortSignal;
}

const WATCH_MS = 1000;
/** A thread looks up ten times a second: after this long something holds it in the kernel. */
const HANGS_MS = patience(10_000);
const CLOSE_MS = patience(3_000);

/** Starts the worker `file` and waits until it has its sockets. */
export async function startThread<Setup, Order, Result>(
  file: string,
  request: ThreadRequest<Setup>,
): Promise<LoadThread<Order, Result>> {
  const { workload, name, setup, cpus, namespaceFd, signal } = request;
  signal.throwIfAborted();
  const control = new Control();
  const data: ThreadData<Setup> = { setup, cpus, namespaceFd, control: control.memory };
  const worker = new Worker(workerUrl(file), { workerData: data });
  const exited = once(worker, "exit").catch(() => undefined);
  const failure = deferred<never>();
  // Whoever waits for a round hears of it; before that nobody does.
  failure.promise.catch(() => undefined);
  const fail = (reason: string) =>
    failure.reject(new ToolError(workload, `${workload}: ${printable(reason)}`));
  const onAbort = () => failure.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const watch = watchBeats(control, () =>
    fail(`the ${name} thread has not stirred for ${HANGS_MS / 1000} s; it was given up`),
  );
  let answer = deferred<ThreadMessage<Result>>();
  worker.on("message", (message: ThreadMessage<Result>) => {
    if (message.kind === "failed") fail(message.reason);
    else answer.resolve(message);
  });
  worker.once("error", (error) => fail(`the ${name} thread broke: ${error.message}`));
  worker.once("exit", () => fail(`the ${name} thread ended before it was told to`));
  const next = async () => {
    const message = await Promise.race([answer.promise, failure.promise]);
    answer = deferred();
    return message;
  };
  const close = async () => {
    clearInterval(watch);
    signal.removeEventListener("abort", onAbort);
    control.stop();
    worker.postMessage("close");
    await Promise.race([exited, sleep(CLOSE_MS, undefined, { ref: false })]);
    await Promise.race([worker.terminate(), sleep(CLOSE_MS, undefined, { ref: false })]);
  };
  try {
    const ready = await next();
    return {
      cpus: ready.kind === "ready" ? ready.cpus : [],
      failed: failure.promise,
      close,
      round: async (order) => {
        worker.postMessage(order);
        const message = await next();
        if (message.kind === "result") return message.result;
        throw new ToolError(workload, `${workload}: the ${name} thread answered out of turn`);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Calls `hangs` when the thread has not shown itself for too long. */
function watchBeats(control: Control, hangs: () => void): NodeJS.Timeout {
  let beats = control.beats;
  let since = Date.now();
  return setInterval(() => {
    if (control.beats !== beats) {
      beats = control.beats;
      since = Date.now();
    } else if (Date.now() - since > HANGS_MS) hangs();
  }, WATCH_MS);
}

/** A promise and the two ways to settle it. */
function deferred<Value>() {
  let resolve: (value: Value) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
