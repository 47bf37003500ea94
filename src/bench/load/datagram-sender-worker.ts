import { TimerFd } from "../../system/epoll.ts";
import { pollSocket, udpSocket } from "../../system/inet-socket.ts";
import { threadCpuTimes } from "../../system/libc.ts";
import { FrameTrain } from "../../system/packet-socket.ts";
import { nowNs } from "./clock.ts";
import { LOOK_MS } from "./control.ts";
import { type Inside, type Job, runInThread } from "./inside-thread.ts";
import { onLink } from "./on-link.ts";
import type { RoundOrder, StreamResult } from "./order.ts";
import type { Link } from "./pairs.ts";
import { Slots, slotsIn } from "./slots.ts";

export interface DatagramSenderSetup {
  links: Link[];
  /** Payload bytes of a datagram. */
  size: number;
}

/** Datagrams a system call; at a fixed rate only when so many are due. */
const TRAIN = 64;

/** Sends datagrams over all connections in turn, a train to each. */
runInThread((setup: DatagramSenderSetup, inside: Inside): Job<RoundOrder, StreamResult> => {
  const sockets = setup.links.map((link) => {
    inside.enter(link.client.namespaceFd);
    return { link, fd: inside.descriptors.keep(udpSocket(link.client, link.server)) };
  });
  const timer = new TimerFd();
  inside.descriptors.keep(timer.fd);
  const train = new FrameTrain(Buffer.alloc(setup.size * TRAIN), setup.size);
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
