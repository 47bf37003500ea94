import { readdirSync, readFileSync } from "node:fs";
import { setThreadCpus, threadCpus, threadCpuTimeNs, threadCpuTimes } from "../../system/libc.ts";
import { FrameTrain } from "../../system/packet-socket.ts";

export interface SendResult {
  /** Frames that the kernel took. */
  frames: number;
  elapsedNs: number;
  /** What each train took from one system call to the next, by frame. */
  trainNsPerFrame: number[];
  /** CPU time of the sending thread and of its CPU's ksoftirqd: the whole path runs on that CPU. */
  cpuNs: number;
  /** The same by kind, ksoftirqd's counted as system time. */
  cpu: { userNs: number; systemNs: number };
}

/** The same frame so many times. */
export function trainOf(frame: Buffer, burst: number): FrameTrain {
  return new FrameTrain(Array.from({ length: burst }, () => frame));
}

/** How long the event loop waits at most while the sender is in its loop. */
const SLICE_NS = 50_000_000n;

/**
 * Sends the train over and over from this thread, pinned to `cpu`, until `durationNs` have passed
 * or `limit` trains are gone. Between slices of 50 ms the event loop has its turn.
 */
export async function saturate(
  fd: number,
  nextTrain: () => FrameTrain,
  bound: { durationNs: number; trains?: number },
  cpu: number,
  signal: AbortSignal,
): Promise<SendResult> {
  const all = threadCpus();
  let frames = 0;
  let cpuNs = 0;
  const cpuTimes = { userNs: 0, systemNs: 0 };
  let elapsedNs = 0;
  let trains = 0;
  const trainNsPerFrame: number[] = [];
  const softirqd = ksoftirqd(cpu);
  const softirqdBefore = runTimeNs(softirqd);
  const limit = bound.trains ?? Number.POSITIVE_INFINITY;
  while (elapsedNs < bound.durationNs && trains < limit) {
    signal.throwIfAborted();
    setThreadCpus([cpu]);
    const began = process.hrtime.bigint();
    const cpuBefore = threadCpuTimeNs();
    const timesBefore = threadCpuTimes();
    let now = began;
    while (
      now - began < SLICE_NS &&
      trains < limit &&
      elapsedNs + Number(now - began) < bound.durationNs
    ) {
      const sent = nextTrain().send(fd);
      frames += sent;
      trains++;
      const then = now;
      now = process.hrtime.bigint();
      if (sent > 0) trainNsPerFrame.push(Number(now - then) / sent);
    }
    cpuNs += threadCpuTimeNs() - cpuBefore;
    const timesAfter = threadCpuTimes();
    cpuTimes.userNs += timesAfter.userNs - timesBefore.userNs;
    cpuTimes.systemNs += timesAfter.systemNs - timesBefore.systemNs;
    elapsedNs += Number(now - began);
    setThreadCpus(all);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const softirqdNs = runTimeNs(softirqd) - softirqdBefore;
  cpuTimes.systemNs += softirqdNs;
  return { frames, elapsedNs, trainNsPerFrame, cpuNs: cpuNs + softirqdNs, cpu: cpuTimes };
}

let known: Map<number, number> | null = null;

/** The pid of ksoftirqd/N, or null where it is not visible (a PID namespace). */
function ksoftirqd(cpu: number): number | null {
  if (known === null) {
    known = new Map();
    for (const pid of readdirSync("/proc")) {
      if (!/^\d+$/.test(pid)) continue;
      try {
        const match = /^ksoftirqd\/(\d+)$/.exec(readFileSync(`/proc/${pid}/comm`, "utf8").trim());
        if (match !== null) known.set(Number(match[1]), Number(pid));
      } catch {
        // ended meanwhile
      }
    }
  }
  return known.get(cpu) ?? null;
}

/** Nanoseconds that a task has run: the first number of its schedstat. */
function runTimeNs(pid: number | null): number {
  if (pid === null) return 0;
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]);
  } catch {
    return 0;
  }
}
