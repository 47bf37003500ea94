import type { BuiltLab } from "../../setup/lab.ts";
import { ToolError } from "../../system/errors.ts";
import { patience } from "../../system/patience.ts";
import { testFrames } from "./frames.ts";
import { reception } from "./patterns.ts";
import { quiet } from "./quiet.ts";
import {
  ADDRESS_SPACE,
  announce,
  arrivedFrames,
  countLearned,
  flushFdb,
  hostAt,
  madeUpAddress,
  openSender,
  pinnedTo,
} from "./raw-lab.ts";
import { BURST, preparedSender, type Stream } from "./send.ts";
import type { Passage } from "./traffic.ts";

/** The host that learning frames come from, as RFC 2889 calls its port: the learning port. */
const LEARNING = 0;
/** The host that they go to, and that asks for the learned addresses afterwards: the test port. */
const TEST = 1;
/** A host that should hear nothing of either: the monitoring port. */
const MONITOR = 2;

const LONGEST_NS = patience(20_000) * 1e6;

/** Frames that teach the bridge addresses, and frames that show whether it has learned them. */
export interface Learning {
  placement: { thread: string; cpus: number[] }[];
  /** Empties the FDB but for the two hosts themselves. */
  forget(): Promise<void>;
  /** One frame from each of so many addresses that are new; `rate` in frames a second. */
  teach(addresses: number, rate?: number): Promise<{ passage: Passage; learned: number }>;
  /** One frame to each address of the last lesson: how many reached the learning host, and the monitoring one. */
  recall(): Promise<{ sent: number; received: number; flooded: number }>;
  close(): Promise<void>;
}

export function openLearning(
  lab: BuiltLab,
  { frameSize, cpu, signal }: { frameSize: number; cpu: number; signal: AbortSignal },
): Learning {
  const sockets = [LEARNING, TEST].map((host) => openSender(lab, host));
  const [learningFd = -1, testFd = -1] = sockets.map(({ fd }) => fd);
  let lesson: number[] = [];
  let next = 0;
  const sendAll = async (fd: number, frames: Uint8Array, rate?: number) => {
    const stream: Stream = { fd, frames, frameSize, burst: BURST };
    const count = frames.length / frameSize;
    const before = arrivedFrames(lab);
    const send = preparedSender({ cpu, streams: [stream] });
    const result = await send({ durationNs: LONGEST_NS, frames: count, rate }, signal);
    const sent = result.frames[0] ?? 0;
    if (sent < count) {
      throw new ToolError("sendmmsg", `the kernel took ${sent} of ${count} frames within 20 s`);
    }
    await quiet(lab, signal);
    const arrived = arrivedFrames(lab).map((total, host) => total - (before[host] ?? 0));
    return { result, arrived, sent };
  };
  return {
    placement: [{ thread: "sender", cpus: pinnedTo(cpu) }],
    forget: async () => {
      await flushFdb(lab);
      announce(lab, [TEST, LEARNING], new Set());
    },
    teach: async (addresses, rate) => {
      if (next + addresses >= ADDRESS_SPACE) next = 0;
      lesson = Array.from({ length: addresses }, (_, index) => next + index);
      next += addresses;
      const destination = hostAt(lab, TEST).mac;
      const frames = testFrames(
        lesson.map((index) => ({ destination, source: madeUpAddress(lab, index), ip: null })),
        frameSize,
      );
      const before = countLearned(lab);
      const { result, arrived, sent } = await sendAll(learningFd, frames, rate);
      const expected = lab.hosts.map((_, host) => (host === TEST ? sent : 0));
      const learned = countLearned(lab) - before;
      return { passage: { ...result, frames: sent, ...reception(expected, arrived) }, learned };
    },
    recall: async () => {
      const source = hostAt(lab, TEST).mac;
      const frames = testFrames(
        lesson.map((index) => ({ destination: madeUpAddress(lab, index), source, ip: null })),
        frameSize,
      );
      const { arrived, sent } = await sendAll(testFd, frames);
      return { sent, received: arrived[LEARNING] ?? 0, flooded: arrived[MONITOR] ?? 0 };
    },
    close: async () => {
      for (const socket of sockets) socket.close();
    },
  };
}
