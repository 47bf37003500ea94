import { TimerFd } from "../../system/epoll.ts";
import { BridgescopeError } from "../../system/errors.ts";
import { pollSocket, udpSocket } from "../../system/inet-socket.ts";
import { threadCpuTimes } from "../../system/libc.ts";
import { FrameTrain } from "../../system/packet-socket.ts";
import { nowNs } from "./clock.ts";
import { LOOK_MS } from "./control.ts";
import { type Inside, type Job, runInThread } from "./inside-thread.ts";
import { onLink } from "./on-link.ts";
import type { RoundOrder, StreamResult } from "./order.ts";
import { type Link, nameOf, onePerPair } from "./pairs.ts";
import { Slots, slotsIn } from "./slots.ts";
import { Tally } from "./tally.ts";
import { CONNECT_MS } from "./tcp-connect.ts";

export interface DatagramSenderSetup {
  links: Link[];
  /** Payload bytes of a datagram. */
  size: number;
  /** Of the receiver. */
  tally: SharedArrayBuffer;
}

/** Datagrams a system call; at a fixed rate only when so many are due. */
const TRAIN = 64;

interface Sender {
  link: Link;
  fd: number;
}

const REPEAT_NS = 1e9;
const STEP_MS = 0.1;

/**
 * A first datagram between every two hosts, one pair after the other: on a large bridge many that ask for
 * their neighbours at once overrun the backlog, and the stream would find half of them missing.
 */
function introduce(sockets: Sender[], train: FrameTrain, tally: Tally, inside: Inside): void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  const first = new Set(onePerPair(sockets.map(({ link }) => link)));
  for (const { link, fd } of sockets.filter((socket) => first.has(socket.link))) {
    const before = tally.received;
    const deadline = nowNs() + CONNECT_MS * 1e6;
    for (let repeatNs = 0; inside.running() && tally.received === before; ) {
      const now = nowNs();
      if (now > deadline) {
        const seconds = CONNECT_MS / 1000;
        throw new BridgescopeError(`no datagram from ${nameOf(link)} arrived within ${seconds} s`);
      }
      if (now >= repeatNs) {
        onLink(link, () => train.send(fd, 0, 1));
        repeatNs = now + REPEAT_NS;
      }
      Atomics.wait(sleeper, 0, 0, STEP_MS);
    }
  }
}

/** Sends datagrams over all connections in turn, a train to each. */
runInThread((setup: DatagramSenderSetup, inside: Inside): Job<RoundOrder, StreamResult> => {
  const sockets = setup.links.map((link): Sender => {
    inside.enter(link.client.namespaceFd);
    const fd = onLink(link, () => udpSocket(link.client, link.server));
    return { link, fd: inside.descriptors.keep(fd) };
  });
  const timer = new TimerFd();
  inside.descriptors.keep(timer.fd);
  const train = new FrameTrain(Buffer.alloc(setup.size * TRAIN), setup.size);
  introduce(sockets, train, new Tally(setup.tally), inside);
  let turn = 0;
  /** Datagrams that the kernel took on the socket whose turn it is. */
  const send = (many: boolean): number => {
    const socket = sockets[turn++ % sockets.length];
    if (socket === undefined) return 0;
    const sent = onLink(socket.link, () => train.send(socket.fd, 0, many ? TRAIN : 1));
    if (sent === 0) pollSocket(socket.fd, "write", LOOK_MS);
    return sent;
  };
  return {
    round: ({ durationNs, amount, rate }) => {
      const cpuBefore = threadCpuTimes();
      const beganNs = nowNs();
      const endNs = amount === null ? beganNs + durationNs : Number.POSITIVE_INFINITY;
      const most = amount ?? Number.POSITIVE_INFINITY;
      const slots =
        rate === null ? null : new Slots(rate, beganNs, amount ?? slotsIn(rate, durationNs));
      let messages = 0;
      let now = beganNs;
      while (now < endNs && messages < most && inside.running()) {
        const due = slots === null ? most - messages : slots.due(now);
        if (due > 0) {
          const sent = send(due >= TRAIN);
          messages += sent;
          for (let one = 0; one < sent; one++) slots?.take(now);
        } else if (slots !== null) {
          if (slots.nextNs >= endNs) break;
          timer.set(slots.nextNs);
          pollSocket(timer.fd, "read", LOOK_MS);
        }
        now = nowNs();
      }
      const cpu = threadCpuTimes();
      return {
        messages,
        beganNs,
        elapsedNs: (amount === null ? Math.max(now, endNs) : now) - beganNs,
        unreached: slots?.unreached ?? false,
        cpu: {
          userNs: cpu.userNs - cpuBefore.userNs,
          systemNs: cpu.systemNs - cpuBefore.systemNs,
        },
      };
    },
  };
});
