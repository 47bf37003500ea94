import { EPOLLFAILED, EPOLLIN, EPOLLOUT, type Epoll } from "../../system/epoll.ts";
import { BridgescopeError } from "../../system/errors.ts";
import {
  pollSocket,
  receiveBytes,
  sendBytes,
  tcpConnecting,
  throwSocketError,
  udpSocket,
} from "../../system/inet-socket.ts";
import { nowNs } from "./clock.ts";
import { LOOK_MS } from "./control.ts";
import type { Answered, Exchange } from "./exchange.ts";
import type { Inside } from "./inside-thread.ts";
import { onLink } from "./on-link.ts";
import { type Link, nameOf } from "./pairs.ts";
import { CONNECT_MS, connectTcp } from "./tcp-connect.ts";
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

const NUMBERS = 2 ** 32;
const NEVER = Number.POSITIVE_INFINITY;
const REPEAT_NS = 1e9;

/** Requests carry a number, so that a late answer is not taken for that of the next one. */
export class UdpExchange implements Exchange {
  readonly #fd: number;
  readonly #link: Link;
  readonly #answered: Answered;
  readonly #request: Buffer;
  readonly #answer: Buffer;
  /** A request's place is its number modulo the number of places. */
  readonly #numbers: Float64Array;
  readonly #startNs: Float64Array;
  readonly #sentNs: Float64Array;
  readonly #free: number[];
  #sent = 0;

  constructor(
    link: Link,
    { size, pipelining }: { size: number; pipelining: number },
    inside: Inside,
    answered: Answered,
  ) {
    inside.enter(link.client.namespaceFd);
    this.#fd = inside.descriptors.keep(onLink(link, () => udpSocket(link.client, link.server)));
    this.#link = link;
    this.#answered = answered;
    this.#request = Buffer.alloc(size);
    this.#answer = Buffer.alloc(size);
    this.#numbers = new Float64Array(pipelining).fill(-1);
    this.#startNs = new Float64Array(pipelining);
    this.#sentNs = new Float64Array(pipelining).fill(NEVER);
    this.#free = Array.from({ length: pipelining }, (_, place) => place);
    this.#introduce(inside);
  }

  listen(epoll: Epoll, key: number): void {
    epoll.add(this.#fd, EPOLLIN, key);
  }

  send(startNs: number, now: number): void {
    const place = this.#free.shift();
    if (place === undefined) throw new RangeError("more requests at once than the exchange holds");
    const places = this.#numbers.length;
    const number = (++this.#sent * places + place) % (NUMBERS - (NUMBERS % places));
    this.#numbers[place] = number;
    this.#startNs[place] = startNs;
    this.#sentNs[place] = now;
    this.#request.writeUInt32LE(number);
    // A request for which the kernel has no room is lost like one that was dropped on its way.
    onLink(this.#link, () => sendBytes(this.#fd, this.#request, this.#request.length));
  }

  ready(): void {
    const length = onLink(this.#link, () => receiveBytes(this.#fd, this.#answer));
    if (length < 4) return;
    const number = this.#answer.readUInt32LE();
    const place = number % this.#numbers.length;
    if (this.#numbers[place] !== number) return;
    this.#release(place);
    this.#answered(this.#startNs[place] ?? 0);
  }

  expire(beforeNs: number): number {
    let lost = 0;
    for (const [place, sentNs] of this.#sentNs.entries()) {
      if (sentNs >= beforeNs) continue;
      this.#release(place);
      lost++;
    }
    return lost;
  }

  #release(place: number): void {
    this.#numbers[place] = -1;
    this.#sentNs[place] = NEVER;
    this.#free.push(place);
  }

  /** Exchanges datagrams until one came back: neighbours know each other then, and the server is there. */
  #introduce(inside: Inside): void {
    const deadline = nowNs() + CONNECT_MS * 1e6;
    let repeatNs = 0;
    while (inside.running()) {
      const now = nowNs();
      if (now > deadline) {
        const seconds = CONNECT_MS / 1000;
        throw new BridgescopeError(`no answer from ${nameOf(this.#link)} within ${seconds} s`);
      }
      if (now >= repeatNs) {
        onLink(this.#link, () => sendBytes(this.#fd, this.#request, this.#request.length));
        repeatNs = now + REPEAT_NS;
      }
      if (!pollSocket(this.#fd, "read", LOOK_MS)) continue;
      if (onLink(this.#link, () => receiveBytes(this.#fd, this.#answer)) >= 0) return;
    }
  }
}

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
