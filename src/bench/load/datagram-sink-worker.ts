import { DatagramRoom } from "../../system/datagram-train.ts";
import { EPOLLIN, Epoll } from "../../system/epoll.ts";
import { growReceiveBuffer, udpSocket } from "../../system/inet-socket.ts";
import { nowNs } from "./clock.ts";
import { LOOK_MS } from "./control.ts";
import { type Inside, runInThread } from "./inside-thread.ts";
import { onLink } from "./on-link.ts";
import type { Link } from "./pairs.ts";
import { Tally } from "./tally.ts";

export interface DatagramSinkSetup {
  links: Link[];
  size: number;
  tally: SharedArrayBuffer;
}

/** Datagrams a system call. */
const ROOM = 64;
/** Half a second of what one sender was seen to send, for all connections together. */
const BUFFERS = 256 << 20;
const MOST_BUFFER = 32 << 20;

/** Counts the datagrams that arrive on all connections. */
runInThread(({ links, size, tally: memory }: DatagramSinkSetup, inside: Inside) => {
  const tally = new Tally(memory);
  const epoll = new Epoll();
  inside.descriptors.keep(epoll.fd);
  for (const link of links) {
    inside.enter(link.server.namespaceFd);
    const fd = inside.descriptors.keep(onLink(link, () => udpSocket(link.server, link.client)));
    growReceiveBuffer(fd, Math.min(MOST_BUFFER, Math.floor(BUFFERS / links.length)));
    epoll.add(fd, EPOLLIN, fd);
  }
  const room = new DatagramRoom(ROOM, size);
  return {
    serve: () => {
      while (inside.running()) {
        const count = epoll.wait(LOOK_MS);
        for (let index = 0; index < count; index++) {
          const received = room.receive(epoll.keyOf(index));
          if (received > 0) tally.add(received, nowNs());
        }
      }
    },
  };
});
