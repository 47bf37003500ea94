import { parentPort, workerData } from "node:worker_threads";
import { CLONE_NEWNET, close, setns, setThreadCpus, threadCpus } from "../../system/libc.ts";
import { Control, LOOK_MS } from "./control.ts";

/** What a thread of a workload does; see thread.ts for the other side. */
export interface Job<Order, Result> {
  /** One round, if it takes any. */
  round?(order: Order): Result | Promise<Result>;
  /** What it does all the time until it shall end, if it is a server that waits by itself. */
  serve?(): void;
}

/** What a job has of its thread. */
export interface Inside {
  /** To be asked at least every LOOK_MS; false when the thread shall end. */
  running(): boolean;
  /** Moves the thread into a namespace: sockets made from now on belong there. */
  enter(namespaceFd: number): void;
  /** Closed when the thread ends, however it ends. */
  readonly descriptors: Descriptors;
}

export interface ThreadData<Setup> {
  setup: Setup;
  cpus: readonly number[];
  namespaceFd: number;
  control: SharedArrayBuffer;
}

export type ThreadMessage<Result> =
  | { kind: "ready"; cpus: number[] }
  | { kind: "result"; result: Result }
  | { kind: "failed"; reason: string };

/** Runs a job in this worker thread. */
export function runInThread<Setup, Order, Result>(
  open: (setup: Setup, inside: Inside) => Job<Order, Result>,
): void {
  if (parentPort === null) throw new Error("this file is a worker thread's");
  const port = parentPort;
  const { setup, cpus, namespaceFd, control: memory } = workerData as ThreadData<Setup>;
  const control = new Control(memory);
  const descriptors = new Descriptors();
  const say = (message: ThreadMessage<Result>) => port.postMessage(message);
  const fail = (error: unknown) =>
    say({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
  const alive = setInterval(() => control.running(), LOOK_MS);
  process.once("exit", () => descriptors.closeAll());
  let job: Job<Order, Result> = {};
  port.on("message", async (order: Order | "close") => {
    if (order === "close") {
      clearInterval(alive);
      process.exit();
    }
    try {
      if (job.round === undefined) throw new Error("a server was asked for a round");
      say({ kind: "result", result: await job.round(order) });
    } catch (error) {
      fail(error);
    }
  });
  try {
    const enter = entering(namespaceFd);
    setThreadCpus(cpus);
    job = open(setup, { running: () => control.running(), enter, descriptors });
    say({ kind: "ready", cpus: threadCpus() });
    job.serve?.();
  } catch (error) {
    fail(error);
  }
}

function entering(namespaceFd: number): (fd: number) => void {
  setns(namespaceFd, CLONE_NEWNET);
  let current = namespaceFd;
  return (fd) => {
    if (fd === current) return;
    setns(fd, CLONE_NEWNET);
    current = fd;
  };
}

/** The descriptors that a thread has opened itself. The process owns them: nobody closes them when a thread ends. */
export class Descriptors {
  readonly #open = new Set<number>();

  keep(fd: number): number {
    this.#open.add(fd);
    return fd;
  }

  close(fd: number): void {
    if (this.#open.delete(fd)) close(fd);
  }

  /** Someone else closes it from now on. */
  release(fd: number): number {
    this.#open.delete(fd);
    return fd;
  }

  closeAll(): void {
    for (const fd of [...this.#open]) this.close(fd);
  }
}
