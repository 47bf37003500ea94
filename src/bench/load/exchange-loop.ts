import type { Bucket } from "../../stats/histogram.ts";
import { LogHistogram } from "../../stats/log-histogram.ts";
import { EPOLLIN, type Epoll, TimerFd } from "../../system/epoll.ts";
import { BridgescopeError } from "../../system/errors.ts";
import { threadCpuTimes } from "../../system/libc.ts";
import { patience } from "../../system/patience.ts";
import { nowNs } from "./clock.ts";
import { LOOK_MS } from "./control.ts";
import type { Exchange } from "./exchange.ts";
import type { Inside } from "./inside-thread.ts";
import type { RoundOrder } from "./order.ts";
import { Slots, slotsIn } from "./slots.ts";

export interface ExchangeResult {
  sent: number;
  answered: number;
  lost: number;
  /** From the first request to the last answer, and at least as long as the round was to be. */
  elapsedNs: number;
  buckets: Bucket[];
  /** Null without a rate. */
  missedSlots: number | null;
  unreached: boolean;
  cpu: { userNs: number; systemNs: number };
}

/** A request without an answer for so long is lost. */
const ANSWER_NS = patience(1_000) * 1e6;
/** A peer that gave no answer at all for so long has stopped. */
const SILENCE_NS = 2 * ANSWER_NS;
/** Requests sent in one go before a look at what has come meanwhile. */
const BURST = 64;
/** A sleeping CPU was seen to take 100 µs to wake at a timer: the last stretch before a slot is spent awake. */
const SPIN_NS = 100_000;
const TIMER_KEY = 0xffffffff;

/** Sends requests over many connections from one thread and waits for all of them with epoll. */
export class ExchangeLoop {
  readonly #epoll: Epoll;
  readonly #inside: Inside;
  readonly #exchanges: Exchange[] = [];
  readonly #timer: TimerFd;
  /** Whose turn it is: a connection stands here once for every request that it may still send. */
  readonly #turns: Turns;
  readonly #spinNs: number;
  #armedNs = 0;
  #histogram = new LogHistogram();
  #sent = 0;
  #answered = 0;
  #lost = 0;
  #lastNs = 0;

  /** `spins` where the client has a CPU to itself; it keeps the moments of a fixed rate better then. */
  constructor(epoll: Epoll, inside: Inside, places: number, spins: boolean) {
    this.#spinNs = spins ? SPIN_NS : 0;
    this.#epoll = epoll;
    this.#inside = inside;
    this.#turns = new Turns(places);
    this.#timer = new TimerFd();
    inside.descriptors.keep(this.#timer.fd);
    epoll.add(this.#timer.fd, EPOLLIN, TIMER_KEY);
  }

  /** The exchange's key in epoll is its place in the order of adding. */
  add(exchange: Exchange, pipelining: number): void {
    const key = this.#exchanges.push(exchange) - 1;
    for (let place = 0; place < pipelining; place++) this.#turns.push(key);
  }

  answered(key: number, startNs: number): void {
    this.#lastNs = nowNs();
    this.#histogram.record(this.#lastNs - startNs);
    this.#answered++;
    this.#turns.push(key);
  }

  round({ durationNs, amount, rate }: RoundOrder): ExchangeResult {
    const cpuBefore = threadCpuTimes();
    const beginNs = nowNs();
    const endNs = amount === null ? beginNs + durationNs : Number.POSITIVE_INFINITY;
    const most = amount ?? Number.POSITIVE_INFINITY;
    const slots =
      rate === null ? null : new Slots(rate, beginNs, amount ?? slotsIn(rate, durationNs));
    this.#histogram = new LogHistogram();
    this.#sent = 0;
    this.#answered = 0;
    this.#lost = 0;
    this.#lastNs = beginNs;
    let lookedNs = beginNs;
    for (;;) {
      const now = this.#sendDue(slots, most, endNs);
      const over = now >= endNs || this.#sent >= most || slots?.nextNs === Number.POSITIVE_INFINITY;
      const outstanding = this.#sent - this.#answered - this.#lost;
      if (over && outstanding === 0) break;
      if (now - lookedNs >= LOOK_MS * 1e6) {
        lookedNs = now;
        if (!this.#inside.running()) break;
        this.#giveUp(now, outstanding);
        continue;
      }
      this.#wait(over ? null : this.#nextSendNs(slots, now), now, endNs);
    }
    const lastNs = amount === null ? Math.max(this.#lastNs, endNs) : this.#lastNs;
    const cpu = threadCpuTimes();
    return {
      sent: this.#sent,
      answered: this.#answered,
      lost: this.#lost,
      elapsedNs: lastNs - beginNs,
      buckets: this.#histogram.buckets(),
      missedSlots: slots?.missed ?? null,
      unreached: slots?.unreached ?? false,
      cpu: {
        userNs: cpu.userNs - cpuBefore.userNs,
        systemNs: cpu.systemNs - cpuBefore.systemNs,
      },
    };
  }

  /** Sends what is due, a burst at the most, and says what time it is. */
  #sendDue(slots: Slots | null, most: number, endNs: number): number {
    let now = nowNs();
    for (let burst = 0; burst < BURST && now < endNs && this.#sent < most; burst++) {
      if (this.#turns.empty || (slots !== null && slots.nextNs > now)) break;
      const exchange = this.#exchanges[this.#turns.shift()];
      exchange?.send(slots === null ? now : slots.take(now), now);
      this.#sent++;
      now = nowNs();
    }
    return now;
  }

  /** When the next request may go: null when only an answer makes room for it. */
  #nextSendNs(slots: Slots | null, now: number): number | null {
    if (this.#turns.empty) return null;
    return slots === null ? now : slots.nextNs;
  }

  #wait(nextNs: number | null, now: number, endNs: number): void {
    let timeoutMs = LOOK_MS;
    if (nextNs !== null) {
      const wakeNs = Math.min(nextNs, endNs) - this.#spinNs;
      if (wakeNs <= now) timeoutMs = 0;
      else if (wakeNs !== this.#armedNs) {
        this.#timer.set(wakeNs);
        this.#armedNs = wakeNs;
      }
    }
    const count = this.#epoll.wait(timeoutMs);
    for (let index = 0; index < count; index++) {
      const key = this.#epoll.keyOf(index);
      if (key === TIMER_KEY) {
        this.#timer.clear();
        this.#armedNs = 0;
      } else this.#exchanges[key]?.ready(this.#epoll.eventsOf(index));
    }
  }

  #giveUp(now: number, outstanding: number): void {
    for (const [key, exchange] of this.#exchanges.entries()) {
      const lost = exchange.expire(now - ANSWER_NS);
      this.#lost += lost;
      for (let place = 0; place < lost; place++) this.#turns.push(key);
    }
    if (outstanding > 0 && now - this.#lastNs > SILENCE_NS) {
      throw new BridgescopeError(
        `the peer stopped answering: ${this.#answered} of ${this.#sent} requests had an answer, none in the last ${SILENCE_NS / 1e9} s`,
      );
    }
  }
}

/** A queue of numbers that never holds more than it was made for. */
class Turns {
  readonly #ring: Int32Array;
  #first = 0;
  #count = 0;

  constructor(most: number) {
    this.#ring = new Int32Array(most);
  }

  get empty(): boolean {
    return this.#count === 0;
  }

  push(value: number): void {
    this.#ring[(this.#first + this.#count++) % this.#ring.length] = value;
  }

  shift(): number {
    const value = this.#ring[this.#first] ?? 0;
    this.#first = (this.#first + 1) % this.#ring.length;
    this.#count--;
    return value;
  }
}
