import type { Reading } from "../../document/event.ts";
import type { Disturbance } from "../../document/session.ts";

/** Adds up what happened between pairs of readings: the rounds of one side. */
export class Disturbances {
  #total = 0;
  #steal: number | null = 0;
  #softirq: number | null = 0;
  #drops: number | null = 0;
  #switches = 0;
  #pressureUs: number | null = 0;
  #ns = 0;

  add(before: Reading, after: Reading): void {
    const cpu =
      before.cpu === null || after.cpu === null ? null : { from: before.cpu, to: after.cpu };
    this.#total += cpu === null ? 0 : cpu.to.total - cpu.from.total;
    this.#steal = plus(this.#steal, cpu && cpu.to.steal - cpu.from.steal);
    this.#softirq = plus(this.#softirq, cpu && cpu.to.softirq - cpu.from.softirq);
    this.#drops = plus(this.#drops, minus(after.softnetDrops, before.softnetDrops));
    this.#pressureUs = plus(this.#pressureUs, minus(after.pressureUs, before.pressureUs));
    this.#switches += after.involuntarySwitches - before.involuntarySwitches;
    this.#ns += after.atNs - before.atNs;
  }

  summary(autocorrelation: number | null): Disturbance {
    const share = (part: number | null, whole: number) =>
      part === null || whole <= 0 ? null : Math.max(0, part / whole);
    return {
      steal: share(this.#steal, this.#total),
      softirq: share(this.#softirq, this.#total),
      softnetDrops: this.#drops,
      involuntarySwitches: this.#switches,
      pressure: share(this.#pressureUs, this.#ns / 1e3),
      autocorrelation,
    };
  }
}

function plus(sum: number | null, more: number | null): number | null {
  return sum === null || more === null ? null : sum + more;
}

function minus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}

type Ticks = Pick<NonNullable<Reading["cpu"]>, "total" | "steal"> | null;

/** The share of CPU time between two readings that the hypervisor gave to others. */
export function stolenShare(before: Ticks, after: Ticks): number | null {
  if (before === null || after === null || after.total <= before.total) return null;
  return (after.steal - before.steal) / (after.total - before.total);
}
