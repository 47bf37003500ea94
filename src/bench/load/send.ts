import { readdirSync, readFileSync } from "node:fs";
import { setThreadCpus, threadCpus, threadCpuTimeNs, threadCpuTimes } from "../../system/libc.ts";
import { FrameTrain } from "../../system/packet-socket.ts";

/**
 * Frames a system call; a burst is whole before the next host has its turn. With 64 the call itself takes 2 to 3 %
 * of a sender's time, with 256 under 1 %.
 */
export const BURST = 256;

/** One host's frames: the packet socket they leave by, and the order in which they do, over and over. */
export interface Stream {
  fd: number;
  /** One frame after the other, all of `frameSize` bytes. */
  frames: Uint8Array;
  frameSize: number;
  /** Frames a system call at the most. */
  burst: number;
}

/** One sending thread: its hosts take turns, a burst each. */
export interface Sender {
  cpu: number;
  streams: readonly Stream[];
}

/** What ends a round, whichever comes first. */
export interface Bound {
  durationNs: number;
  /** Frames of each stream. */
  frames?: number | undefined;
  /** Frames a second over all streams; as fast as possible when absent. */
  rate?: number | undefined;
}

export interface SendResult {
  /** Frames that the kernel took, by stream: the first of the stream first, each in its turn. */
  frames: number[];
  elapsedNs: number;
  /** What each of the first trains took from one system call to the next, per frame; empty at a fixed rate. */
  trainNsPerFrame: number[];
  /** CPU time of the sending thread and of its CPU's ksoftirqd: the whole path runs on that CPU. */
  cpuNs: number;
  /** Of it, ksoftirqd's. */
  ksoftirqdNs: number;
  /** The same by kind, ksoftirqd's counted as system time. */
  cpu: { userNs: number; systemNs: number };
}

/**
 * Trains of a round that are timed, the first ones: what a train takes is for short rounds (`learn`, and instructions),
 * and a round may last for hours.
 */
export const MOST_TRAINS = 4096;

/** What the first trains of a round took, per frame. */
export class TrainTimes {
  readonly nsPerFrame: number[] = [];

  add(ns: number, frames: number): void {
    if (frames > 0 && this.nsPerFrame.length < MOST_TRAINS) this.nsPerFrame.push(ns / frames);
  }
}

/** How long the event loop waits at most while the sender is in its loop. */
const SLICE_NS = 50_000_000n;
/** At a fixed rate a system call sends what is due in this time: late by no more, and cheap enough. */
const PACE_NS = 50e3;

export type Send = (bound: Bound, signal: AbortSignal) => Promise<SendResult>;

/** Lays a sender's frames out once; every call of the result is a round that begins with the first frame. */
export function preparedSender({ cpu, streams }: Sender): Send {
  const trains = streams.map(({ fd, frames, frameSize, burst }) => ({
    fd,
    burst,
    train: new FrameTrain(frames, frameSize),
  }));
  return (bound, signal) => send(cpu, trains, bound, signal);
}

interface Train {
  fd: number;
  burst: number;
  train: FrameTrain;
}

/** Sends from this thread, pinned to `cpu`. Between slices of 50 ms the event loop has its turn. */
async function send(
  cpu: number,
  streams: readonly Train[],
  bound: Bound,
  signal: AbortSignal,
): Promise<SendResult> {
  const all = threadCpus();
  const turns = new Turns(streams, bound);
  const cpuTimes = { userNs: 0, systemNs: 0 };
  let cpuNs = 0;
  let elapsedNs = 0;
  const trains = new TrainTimes();
  const softirqd = ksoftirqd(cpu);
  const softirqdBefore = runTimeNs(softirqd);
  while (elapsedNs < bound.durationNs && !turns.over()) {
    signal.throwIfAborted();
    setThreadCpus([cpu]);
    try {
      const began = process.hrtime.bigint();
      const cpuBefore = threadCpuTimeNs();
      const timesBefore = threadCpuTimes();
      let now = began;
      for (;;) {
        const passedNs = elapsedNs + Number(now - began);
        if (now - began >= SLICE_NS || passedNs >= bound.durationNs || turns.over()) break;
        const sent = turns.due(passedNs) ? turns.next() : 0;
        const then = now;
        now = process.hrtime.bigint();
        if (bound.rate === undefined) trains.add(Number(now - then), sent);
      }
      cpuNs += threadCpuTimeNs() - cpuBefore;
      const timesAfter = threadCpuTimes();
      cpuTimes.userNs += timesAfter.userNs - timesBefore.userNs;
      cpuTimes.systemNs += timesAfter.systemNs - timesBefore.systemNs;
      elapsedNs += Number(now - began);
    } finally {
      setThreadCpus(all);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  const softirqdNs = runTimeNs(softirqd) - softirqdBefore;
  cpuTimes.systemNs += softirqdNs;
  return {
    frames: turns.frames,
    elapsedNs,
    trainNsPerFrame: trains.nsPerFrame,
    cpuNs: cpuNs + softirqdNs,
    ksoftirqdNs: softirqdNs,
    cpu: cpuTimes,
  };
}

/** Whose burst is next, and how far each stream has come. */
class Turns {
  readonly frames: number[];
  readonly #trains: readonly Train[];
  readonly #limit: number;
  readonly #nsPerFrame: number;
  readonly #most: number;
  #total = 0;
  #at = 0;

  constructor(trains: readonly Train[], { frames, rate }: Bound) {
    this.#trains = trains;
    this.frames = trains.map(() => 0);
    this.#limit = frames ?? Number.POSITIVE_INFINITY;
    this.#nsPerFrame = rate === undefined ? 0 : 1e9 / rate;
    this.#most =
      rate === undefined
        ? Number.POSITIVE_INFINITY
        : Math.max(1, Math.floor((rate * PACE_NS) / 1e9));
  }

  over(): boolean {
    return this.#total >= this.#limit * this.#trains.length;
  }

  /** Whether the next frame's time has come. */
  due(passedNs: number): boolean {
    return this.#total * this.#nsPerFrame <= passedNs;
  }

  /** Sends the rest of a burst; the turn passes on once the burst is whole. */
  next(): number {
    const one = this.#trains[this.#at];
    if (one === undefined) return 0;
    const done = this.frames[this.#at] ?? 0;
    const first = done % one.train.count;
    const burst = Math.min(one.burst, this.#most);
    const count = Math.min(burst, one.train.count - first, this.#limit - done);
    const sent = count > 0 ? one.train.send(one.fd, first, count) : 0;
    this.frames[this.#at] = done + sent;
    this.#total += sent;
    if (sent === count) this.#at = (this.#at + 1) % this.#trains.length;
    return sent;
  }
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
