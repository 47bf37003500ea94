import { describe, expect, it } from "vitest";
import { Slots, slotsIn } from "../../../src/bench/load/slots.ts";

describe("slotsIn", () => {
  it("counts the slots that begin within a round, the first at its begin", () => {
    expect(slotsIn(1000, 10e6)).toBe(10);
    expect(slotsIn(1000, 10.1e6)).toBe(11);
    expect(slotsIn(1, 10e6)).toBe(1);
  });
});

describe("Slots", () => {
  const BEGIN = 5e9;
  const slots = (count = 4) => new Slots(1000, BEGIN, count);

  it("are due at the rate from the begin on, and then no more", () => {
    const some = slots(3);
    expect([1, 2, 3].map(() => some.take(BEGIN))).toEqual([BEGIN, BEGIN + 1e6, BEGIN + 2e6]);
    expect(some.nextNs).toBe(Number.POSITIVE_INFINITY);
  });

  it("taken in time or less than a whole slot late, are not missed", () => {
    const some = slots(2);
    some.take(BEGIN);
    some.take(BEGIN + 2e6 - 1);
    expect(some.missed).toBe(0);
  });

  it("taken a whole slot late are missed, and still tell when they were due", () => {
    const some = slots(2);
    some.take(BEGIN);
    expect(some.take(BEGIN + 2e6)).toBe(BEGIN + 1e6);
    expect(some.missed).toBe(1);
  });

  it("that nobody took are missed", () => {
    const some = slots(4);
    some.take(BEGIN);
    expect(some.missed).toBe(3);
  });

  it("that are due grow with time, up to all that are left", () => {
    const some = slots(4);
    expect(some.due(BEGIN - 1)).toBe(0);
    expect(some.due(BEGIN)).toBe(1);
    expect(some.due(BEGIN + 1e6)).toBe(2);
    some.take(BEGIN + 1e6);
    expect(some.due(BEGIN + 1e6)).toBe(1);
    expect(some.due(BEGIN + 60e9)).toBe(3);
  });

  it("say that the rate was not reached when more than one in a hundred was left", () => {
    const take = (some: Slots, times: number) => {
      for (let time = 0; time < times; time++) some.take(BEGIN);
      return some.unreached;
    };
    expect(take(slots(200), 198)).toBe(false);
    expect(take(slots(200), 197)).toBe(true);
  });
});
