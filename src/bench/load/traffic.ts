import type { BuiltLab, Way } from "../../setup/lab.ts";
import { withoutPrefix } from "../../setup/network.ts";
import { DISCARD_PORT, discardSocket } from "../../setup/reach.ts";
import { BridgescopeError, UsageError } from "../../system/errors.ts";
import { shrinkReceiveBuffer } from "../../system/inet-socket.ts";
import { close } from "../../system/libc.ts";
import { type Addresses, testFrames } from "./frames.ts";
import { expectedFrames, type Pattern, reception, type Target } from "./patterns.ts";
import { quiet } from "./quiet.ts";
import {
  addressesOf,
  announce,
  arrivedFrames,
  hostAt,
  openSender,
  pinnedTo,
  requireCpus,
} from "./raw-lab.ts";
import { type Bound, BURST, type Sender, type SendResult, type Stream } from "./send.ts";
import { startSenders } from "./senders.ts";

/** Copies that one system call may set off, so that a flood on many ports still leaves us the CPU. */
const COPIES_A_CALL = 4096;

export interface TrafficRequest {
  pattern: Pattern;
  /** Bytes without FCS. */
  frameSize: number;
  /** Threads, each with a CPU of its own. */
  senders: number;
  cpus: readonly number[];
}

/** Raw frames through a lab by a pattern, ready to be sent for a while. */
export interface Traffic {
  /** Frames a system call at the most. */
  burst: number;
  placement: { thread: string; cpus: number[] }[];
  /** Sends, waits until the lab is at rest, and counts what arrived. */
  send(bound: Bound, signal: AbortSignal): Promise<Passage>;
  close(): Promise<void>;
}

/** What was sent in a round, and what became of it. */
export interface Passage extends Omit<SendResult, "frames"> {
  /** Frames that the kernel took. */
  frames: number;
  /** Frames that should have reached a host, those that did, and those at hosts that they were not for. */
  wanted: number;
  received: number;
  stray: number;
}

export function openTraffic(lab: BuiltLab, request: TrafficRequest): Traffic {
  const { pattern, cpus } = request;
  requireCpus(request.senders, cpus);
  const hosts = lab.hosts.length;
  const most = pattern.mostSenders(hosts);
  if (request.senders > most) {
    throw new UsageError(`${pattern.name} on ${hosts} hosts has at most ${most} senders`);
  }
  const sources = pattern
    .sources(hosts, request.senders)
    .map((host) => ({ host, targets: pattern.targets(hosts, host) }));
  const copies = sources.some(({ targets }) => targets.some((one) => typeof one !== "number"));
  const burst = Math.max(1, Math.min(BURST, Math.floor(COPIES_A_CALL / (copies ? hosts - 1 : 1))));
  // Somebody else's network knows its hosts: they have spoken when they were found.
  if (lab.way === undefined) announce(lab, introduced(sources, hosts), sentTo(sources));
  // Thread by thread, each with every so many-th of the sending hosts.
  const shares = cpus.slice(0, request.senders).map((cpu, thread) => ({
    cpu,
    mine: sources.filter((_, index) => index % request.senders === thread),
  }));
  const way = lab.way && openWay(lab, lab.way, request.frameSize, burst);
  const sockets: { close(): void }[] = way === undefined ? [] : [way];
  try {
    const senders = shares.map(({ cpu, mine }): Sender => {
      const streams = mine.map(({ host, targets }): Stream => {
        const socket = openSender(lab, host);
        sockets.push(socket);
        const { frameSize } = request;
        return {
          fd: socket.fd,
          frames: way?.frames ?? framesOf(lab, host, targets, frameSize, burst),
          frameSize,
          burst,
        };
      });
      return { cpu, streams };
    });
    const order = shares.flatMap(({ mine }) => mine);
    return traffic(lab, senders, order, sockets, burst);
  } catch (error) {
    for (const socket of sockets) socket.close();
    throw error;
  }
}

interface Source {
  host: number;
  targets: readonly Target[];
}

function traffic(
  lab: BuiltLab,
  threads: readonly Sender[],
  order: readonly Source[],
  sockets: readonly { close(): void }[],
  burst: number,
): Traffic {
  const senders = startSenders(threads);
  return {
    burst,
    placement: threads.map(({ cpu }, index) => ({
      thread: threads.length === 1 ? "sender" : `sender ${index + 1}`,
      cpus: pinnedTo(cpu),
    })),
    send: async (bound, signal) => {
      const before = arrivedFrames(lab);
      const since = () => arrivedFrames(lab).map((count, host) => count - (before[host] ?? 0));
      const result = await senders.round(bound, signal);
      const expected = lab.hosts.map(() => 0);
      order.forEach(({ host, targets }, stream) => {
        const sent = result.frames[stream] ?? 0;
        expectedFrames(lab.hosts.length, host, targets, sent).forEach((frames, at) => {
          expected[at] = (expected[at] ?? 0) + frames;
        });
      });
      const frames = result.frames.reduce((sum, one) => sum + one, 0);
      let arrived = since();
      if (arrived.some((count, host) => count !== expected[host])) {
        await quiet(lab, signal);
        arrived = since();
      }
      const met = reception(expected, arrived);
      // What else arrives in somebody else's network is not ours to judge.
      const stray = lab.way === undefined ? met.stray : 0;
      return { ...result, frames, ...met, stray };
    },
    close: async () => {
      await senders.close();
      for (const socket of sockets) socket.close();
    },
  };
}

/** The hosts whose stations frames go to. */
function sentTo(sources: readonly Source[]): Set<number> {
  return new Set(
    sources.flatMap(({ targets }) => targets.filter((one) => typeof one === "number")),
  );
}

/** Who has to be known to the bridge before the first frame: all targets, then all sources. */
function introduced(sources: readonly Source[], hosts: number): number[] {
  const targets = sources.flatMap(({ host, targets: all }) => [
    ...all.filter((one) => typeof one === "number"),
    // Somebody has to hear a sender that speaks to nobody in particular.
    ...(all.every((one) => typeof one === "number") ? [] : [(host + 1) % hosts]),
  ]);
  return [...new Set([...targets, ...sources.map(({ host }) => host)])];
}

/** As many whole turns as a burst takes. */
function framesOf(
  lab: BuiltLab,
  host: number,
  targets: readonly Target[],
  frameSize: number,
  burst: number,
): Buffer {
  const turn = targets.map((target) => addressesOf(lab, host, target));
  const turns = Math.max(1, Math.ceil(burst / turn.length));
  return testFrames(Array.from({ length: turns }, () => turn).flat(), frameSize);
}

const HEADER = 14;

/** What raw frames through somebody else's network need beside a sender. */
export interface ForeignWay {
  /** As many frames as a burst takes, one after the other. */
  frames: Buffer;
  close(): void;
}

/**
 * Frames that any network carries, and a socket at their end that nobody reads: without one the second host would
 * answer each datagram by ICMP. Its buffer is full at once, and the kernel drops what follows.
 */
function openWay(lab: BuiltLab, way: Way, frameSize: number, burst: number): ForeignWay {
  const from = hostAt(lab, 0);
  const to = hostAt(lab, 1);
  if (way.nextHop === "") {
    throw new BridgescopeError(
      `raw frames need an Ethernet device, and ${from.device} of ${from.name} is none`,
    );
  }
  const largest = (lab.spec.mtu ?? 0) + HEADER;
  if (frameSize > largest) {
    throw new BridgescopeError(
      `frames of ${frameSize} bytes do not fit the MTU of ${from.device} of ${from.name}: ${largest} bytes at the most`,
    );
  }
  const addresses: Addresses = {
    source: from.mac,
    destination: way.nextHop,
    ip: {
      source: withoutPrefix(from.address ?? ""),
      destination: withoutPrefix(to.address ?? ""),
      port: DISCARD_PORT,
    },
  };
  const sink = discardSocket(to);
  shrinkReceiveBuffer(sink);
  return {
    frames: testFrames(Array<Addresses>(burst).fill(addresses), frameSize),
    close: () => close(sink),
  };
}
