import { EPOLLFAILED, EPOLLIN, EPOLLOUT, type Epoll } from "../../system/epoll.ts";
import { BridgescopeError } from "../../system/errors.ts";
import { receiveBytes, tcpConnecting, throwSocketError } from "../../system/inet-socket.ts";
import type { Answered, Exchange } from "./exchange.ts";
import type { Inside } from "./inside-thread.ts";
import { onLink } from "./on-link.ts";
import { type Link, nameOf } from "./pairs.ts";
import { TcpFlow } from "./tcp-flow.ts";

/**
 * A connection for every request: connect, request, answer, close. It closes with RST, so that no port is
 * held in TIME_WAIT: at ten thousand a second a host would be out of ports in three seconds.
 */
export class Transaction implements Exchange {
  readonly #link: Link;
  readonly #size: number;
  readonly #epoll: Epoll;
  readonly #key: number;
  readonly #buffer: Buffer;
  readonly #inside: Inside;
  readonly #answered: Answered;
  #now: { flow: TcpFlow; startNs: number; sentNs: number; connected: boolean } | null = null;
  #arrived = 0;

  constructor(
    link: Link,
    { size, epoll, key, buffer }: { size: number; epoll: Epoll; key: number; buffer: Buffer },
    inside: Inside,
    answered: Answered,
  ) {
    this.#link = link;
    this.#size = size;
    this.#epoll = epoll;
    this.#key = key;
    this.#buffer = buffer;
    this.#inside = inside;
    this.#answered = answered;
  }

  send(startNs: number, sentNs: number): void {
    this.#inside.enter(this.#link.client.namespaceFd);
    onLink(this.#link, () => {
      const fd = this.#inside.descriptors.keep(tcpConnecting(this.#link.server, true));
      this.#epoll.add(fd, EPOLLOUT, this.#key);
      const flow = new TcpFlow(fd, this.#epoll, this.#key);
      this.#now = { flow, startNs, sentNs, connected: false };
      this.#arrived = 0;
    });
  }

  ready(events: number): void {
    const current = this.#now;
    if (current === null) return;
    const { flow } = current;
    onLink(this.#link, () => {
      if (events & EPOLLFAILED) throwSocketError(flow.fd);
      if (!current.connected) {
        current.connected = true;
        this.#epoll.modify(flow.fd, EPOLLIN, this.#key);
        flow.write(this.#size);
        return;
      }
      if (events & EPOLLOUT) flow.flush();
      const length = receiveBytes(flow.fd, this.#buffer);
      if (length === 0) {
        throw new BridgescopeError(`${nameOf(this.#link)}: the peer closed the connection early`);
      }
      this.#arrived += Math.max(0, length);
    });
    if (this.#arrived < this.#size) return;
    this.#now = null;
    this.#inside.descriptors.close(flow.fd);
    this.#answered(current.startNs);
  }

  expire(beforeNs: number): number {
    if (this.#now === null || this.#now.sentNs >= beforeNs) return 0;
    const what = this.#now.connected ? "did not answer a request" : "accepted no connection";
    throw new BridgescopeError(`${nameOf(this.#link)}: the peer ${what} within a second`);
  }
}
