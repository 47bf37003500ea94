import { EPOLLIN, EPOLLOUT, Epoll } from "../../system/epoll.ts";
import {
  accept,
  receiveBytes,
  sendBytes,
  tcpListener,
  udpSocket,
} from "../../system/inet-socket.ts";
import { SystemCallError } from "../../system/libc.ts";
import { LOOK_MS } from "./control.ts";
import { type Inside, runInThread } from "./inside-thread.ts";
import { onLink } from "./on-link.ts";
import { type Link, listeningEnds } from "./pairs.ts";
import { TcpFlow } from "./tcp-flow.ts";

export interface EchoSetup {
  protocol: "udp" | "tcp";
  links: Link[];
  /** Bytes of a request: a TCP answer goes when the whole of it is there. */
  size: number;
}

/** The server of requests and responses: answers each with as many bytes, for all hosts in one thread. */
runInThread((setup: EchoSetup, inside: Inside) => {
  const epoll = new Epoll();
  inside.descriptors.keep(epoll.fd);
  const ready =
    setup.protocol === "udp" ? udpEcho(setup, inside, epoll) : tcpEcho(setup, inside, epoll);
  return {
    serve: () => {
      while (inside.running()) {
        const count = epoll.wait(LOOK_MS);
        for (let index = 0; index < count; index++) {
          ready(epoll.keyOf(index), epoll.eventsOf(index));
        }
      }
    },
  };
});

type Ready = (fd: number, events: number) => void;

function udpEcho({ links, size }: EchoSetup, inside: Inside, epoll: Epoll): Ready {
  const buffer = Buffer.alloc(size);
  for (const link of links) {
    inside.enter(link.server.namespaceFd);
    const fd = inside.descriptors.keep(onLink(link, () => udpSocket(link.server, link.client)));
    epoll.add(fd, EPOLLIN, fd);
  }
  return (fd) =>
    unlessBroken(
      () => {
        const length = receiveBytes(fd, buffer);
        if (length >= 0) sendBytes(fd, buffer, length);
      },
      // An ICMP error of a client that is gone is read once; the client is who judges.
      () => {},
    );
}

function tcpEcho({ links, size }: EchoSetup, inside: Inside, epoll: Epoll): Ready {
  const buffer = Buffer.alloc(Math.max(size, 65_536));
  const listeners = new Set<number>();
  const connections = new Map<number, { flow: TcpFlow; arrived: number }>();
  for (const end of listeningEnds(links)) {
    inside.enter(end.namespaceFd);
    const fd = inside.descriptors.keep(tcpListener(end));
    listeners.add(fd);
    epoll.add(fd, EPOLLIN, fd);
  }
  const welcome = (listener: number) => {
    const fd = accept(listener);
    if (fd < 0) return;
    inside.descriptors.keep(fd);
    epoll.add(fd, EPOLLIN, fd);
    connections.set(fd, { flow: new TcpFlow(fd, epoll, fd), arrived: 0 });
  };
  const leave = (fd: number) => {
    connections.delete(fd);
    inside.descriptors.close(fd);
  };
  return (fd, events) => {
    if (listeners.has(fd)) return welcome(fd);
    const connection = connections.get(fd);
    if (connection === undefined) return;
    unlessBroken(
      () => {
        if (events & EPOLLOUT) connection.flow.flush();
        const length = receiveBytes(fd, buffer);
        if (length === 0) leave(fd);
        connection.arrived += Math.max(0, length);
        const whole = Math.floor(connection.arrived / size);
        connection.arrived -= whole * size;
        if (whole > 0) connection.flow.write(whole * size);
      },
      () => leave(fd),
    );
  };
}

function unlessBroken(action: () => void, broken: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    broken();
  }
}
