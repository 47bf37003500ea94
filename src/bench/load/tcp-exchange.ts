import { EPOLLIN, EPOLLOUT, type Epoll } from "../../system/epoll.ts";
import { BridgescopeError } from "../../system/errors.ts";
import { receiveBytes } from "../../system/inet-socket.ts";
import type { Answered, Exchange } from "./exchange.ts";
import type { Inside } from "./inside-thread.ts";
import { onLink } from "./on-link.ts";
import { type Link, nameOf } from "./pairs.ts";
import { connectTcp } from "./tcp-connect.ts";
import { TcpFlow } from "./tcp-flow.ts";

/** Answers come in the order of the requests, so bytes alone tell which one is complete. */
export class TcpExchange implements Exchange {
  readonly #flow: TcpFlow;
  readonly #link: Link;
  readonly #size: number;
  readonly #answered: Answered;
  readonly #buffer: Buffer;
  readonly #waiting: { startNs: number; sentNs: number }[] = [];
  #arrived = 0;

  constructor(
    link: Link,
    { size, epoll, key, buffer }: { size: number; epoll: Epoll; key: number; buffer: Buffer },
    inside: Inside,
    answered: Answered,
  ) {
    const fd = connectTcp(link, inside);
    this.#flow = new TcpFlow(fd, epoll, key);
    this.#link = link;
    this.#size = size;
    this.#answered = answered;
    this.#buffer = buffer;
    epoll.add(fd, EPOLLIN, key);
  }

  send(startNs: number, sentNs: number): void {
    this.#waiting.push({ startNs, sentNs });
    onLink(this.#link, () => this.#flow.write(this.#size));
  }

  ready(events: number): void {
    onLink(this.#link, () => {
      if (events & EPOLLOUT) this.#flow.flush();
      const length = receiveBytes(this.#flow.fd, this.#buffer);
      if (length === 0) {
        throw new BridgescopeError(`${nameOf(this.#link)}: the peer closed the connection`);
      }
      this.#arrived += Math.max(0, length);
    });
    while (this.#arrived >= this.#size) {
      this.#arrived -= this.#size;
      const request = this.#waiting.shift();
      if (request !== undefined) this.#answered(request.startNs);
    }
  }

  expire(beforeNs: number): number {
    const [oldest] = this.#waiting;
    if (oldest === undefined || oldest.sentNs >= beforeNs) return 0;
    throw new BridgescopeError(`${nameOf(this.#link)}: the peer stopped answering`);
  }
}
