import { describe, expect, it } from "vitest";
import { NOTHING, splitTotals, tallies } from "../../../src/watch/tally.ts";

const DEVICE = (7n << 32n) | 3n;

function reading(counts: Record<number, number>, latency: Record<string, number> = {}) {
  return {
    counts: new Map(Object.entries(counts).map(([code, n]) => [`${DEVICE},${code}`, n])),
    latency: new Map(Object.entries(latency).map(([key, n]) => [`${DEVICE},${key}`, n])),
  };
}

it("is what came between two readings", () => {
  const before = reading({ 0: 5, 8: 5, 25: 15, 24: 1 });
  const after = reading({ 0: 18, 8: 7, 16: 1, 9: 9, 25: 18, 24: 3, 28: 2 });
  expect(tallies(before, after)(DEVICE)).toEqual({
    ingress: 13,
    egress: 2,
    decisions: {
      knownUnicast: 9,
      unknownUnicast: 3,
      broadcast: 0,
      multicast: 0,
      local: 0,
      filtered: 1,
    },
    copies: 15,
    amplification: 15 / 13,
    originated: 0,
    unattributed: 0,
    learned: 2,
    moved: 0,
    latency: {},
  });
});

it("has the latency of what was timed in between, in nanoseconds", () => {
  const bucket = (3 << 8) | 40; // 320 to 328 ns
  const before = reading({}, { [`3,${bucket}`]: 5 });
  const after = reading({}, { [`3,${bucket}`]: 15, [`2,${bucket}`]: 1 });
  const { latency } = tallies(before, after)(DEVICE);
  expect(latency["bridge.flood"]).toEqual({ sampled: 10, p50: 324, p99: expect.closeTo(328, 0) });
  expect(latency["bridge.forward"]?.sampled).toBe(1);
});

it("has no amplification without frames", () => {
  expect(tallies(NOTHING, NOTHING)(DEVICE)).toMatchObject({ ingress: 0, amplification: null });
});

describe("the totals of an interface", () => {
  const counted = tallies(
    NOTHING,
    reading({ 0: 10, 8: 3, 9: 6, 25: 6, 24: 20, 26: 2, 28: 1 }),
  )(DEVICE);

  it("are split as what was counted of them", () => {
    const split = splitTotals(counted, { rx: 1001, tx: 390, txDropped: 10 }, 100);
    expect(split).toMatchObject({ ingress: 1001, egress: 400, originated: 40, learned: 100 });
    expect(split.copies).toBe(Math.round(15 * 100.1));
    expect(split.amplification).toBe(1.5);
    const { decisions } = split;
    expect(decisions).toMatchObject({ unknownUnicast: 300, knownUnicast: 601, filtered: 100 });
    const sum = Object.values(decisions ?? {}).reduce((all, one) => all + one, 0);
    expect(sum).toBe(1001);
  });

  it("are unknown where none of them was counted, and nothing where there are none", () => {
    const none = tallies(NOTHING, NOTHING)(DEVICE);
    const unknown = splitTotals(none, { rx: 7, tx: 7, txDropped: 0 }, 100);
    expect(unknown).toMatchObject({ ingress: null, decisions: null, copies: null, egress: null });
    const nothing = splitTotals(none, { rx: 0, tx: 0, txDropped: 0 }, 100);
    expect(nothing).toMatchObject({ ingress: 0, copies: 0, egress: 0 });
  });
});
