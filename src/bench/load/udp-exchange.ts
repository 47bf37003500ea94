import { EPOLLIN, type Epoll } from "../../system/epoll.ts";
import { BridgescopeError } from "../../system/errors.ts";
import { pollSocket, receiveBytes, sendBytes, udpSocket } from "../../system/inet-socket.ts";
import { nowNs } from "./clock.ts";
import { LOOK_MS } from "./control.ts";
import type { Answered, Exchange } from "./exchange.ts";
import type { Inside } from "./inside-thread.ts";
import { onLink } from "./on-link.ts";
import { type Link, nameOf } from "./pairs.ts";
import { CONNECT_MS } from "./tcp-connect.ts";

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
