/**
 * The moments at which a fixed rate sends. A sender that falls behind takes the next slot late and its clock
 * starts when the slot was due, so that a stall shows in all requests that had to wait for it.
 */
export class Slots {
  readonly #intervalNs: number;
  readonly #beginNs: number;
  readonly #count: number;
  #next = 0;
  #late = 0;

  /** `rate` a second from `beginNs` on, `count` slots in all. */
  constructor(rate: number, beginNs: number, count: number) {
    this.#intervalNs = 1e9 / rate;
    this.#beginNs = beginNs;
    this.#count = count;
  }

  /** When the next slot is due; infinity when all are taken. */
  get nextNs(): number {
    if (this.#next >= this.#count) return Number.POSITIVE_INFINITY;
    return this.#beginNs + this.#next * this.#intervalNs;
  }

  /** Slots that are due and were not taken. */
  due(nowNs: number): number {
    const begun = Math.floor((nowNs - this.#beginNs) / this.#intervalNs) + 1;
    return Math.max(0, Math.min(begun, this.#count) - this.#next);
  }

  /** Takes the next slot and tells when it was due. */
  take(nowNs: number): number {
    const dueNs = this.nextNs;
    if (nowNs - dueNs >= this.#intervalNs) this.#late++;
    this.#next++;
    return dueNs;
  }

  /** Slots that were taken a whole slot late or more, and those that nobody took. */
  get missed(): number {
    return this.#late + this.#count - this.#next;
  }

  /** True when so few of the slots were taken that the rate was another one. */
  get unreached(): boolean {
    return this.#next < this.#count * REACHED;
  }
}

/** A rate is stated to the percent. */
const REACHED = 0.99;

/** Slots that begin within a round. */
export function slotsIn(rate: number, durationNs: number): number {
  return Math.max(1, Math.ceil((durationNs * rate) / 1e9));
}
