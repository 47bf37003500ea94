import { describe, expect, it } from "vitest";
import { NOTHING, type Reading, splitTotals, tallies } from "../../../src/watch/tally.ts";

const SLOT = 7n;

function reading(
  counts: Record<number, number>,
  latency: Record<string, number> = {},
  drops: Record<string, number> = {},
): Reading {
  const keyed = (of: Record<string, number>) =>
    new Map(Object.entries(of).map(([key, n]) => [`${SLOT},${key}`, n]));
  return { counts: keyed(counts), latency: keyed(latency), drops: keyed(drops) };
}

const names = (location: number, reason: number) => ({
  reason: `R${reason}`,
  where: location === 9 ? "tpacket_rcv" : `f${location}`,
});
const tally = (before: Reading, after: Reading) => tallies(before, after, names)([SLOT]);

it("is what came between two readings", () => {
  const before = reading({ 0: 5, 8: 5, 25: 15, 24: 1 });
  const after = reading({ 0: 18, 8: 7, 16: 1, 9: 9, 25: 18, 24: 3, 28: 2, 40: 3, 41: 2 });
  expect(tally(before, after)).toEqual({
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
    held: 0,
    copies: 15,
    later: 0,
    amplification: 15 / 13,
    originated: 0,
    unattributed: 0,
    learned: 2,
    moved: 0,
    dropped: [],
    latency: {},
  });
});

describe("frames that did not leave in hand", () => {
  const of = (counts: Record<number, number>) => {
    const { decisions, held, copies, later } = tally(NOTHING, reading(counts));
    return { decisions, held, copies, later };
  };

  it("count by what left later, as many as there are, or as dropped; the rest is held", () => {
    // Three fragments of each of four datagrams, reassembled and cut again; two frames dropped later; one nowhere yet.
    expect(of({ 0: 15, 9: 4, 33: 8, 42: 2 })).toMatchObject({
      decisions: { knownUnicast: 12, filtered: 2 },
      ...{ held: 1, copies: 12, later: 8 },
    });
  });

  it("are no more than came in, however many copies a flood of them became", () => {
    expect(of({ 0: 3, 34: 9 })).toMatchObject({
      decisions: { broadcast: 3, filtered: 0 },
      ...{ held: 0, copies: 9, later: 9 },
    });
  });

  it("are held once where they were on their way while it was read, so that decisions are what came in", () => {
    const [first, second] = [reading({ 0: 9, 10: 11, 9: 1 }), reading({ 0: 14, 10: 11, 9: 1 })];
    expect(tally(NOTHING, first)).toMatchObject({
      decisions: { broadcast: 8, knownUnicast: 1 },
      held: 0,
    });
    expect(tally(first, second)).toMatchObject({ decisions: { broadcast: 0 }, held: 5 });
  });

  it("may have come before", () => {
    const { decisions, held, copies } = of({ 33: 2 });
    expect(Object.values(decisions ?? {}).every((count) => count === 0)).toBe(true);
    expect([held, copies]).toEqual([0, 2]);
  });
});

it("has what was dropped by reason and place, without what only a listening socket missed", () => {
  const before = reading({}, {}, { "0,5,2": 4 });
  const after = reading({}, {}, { "0,5,2": 6, "0,6,3": 7, "0,9,3": 100 });
  expect(tally(before, after).dropped).toEqual([
    { reason: "R3", where: "f6", count: 7 },
    { reason: "R2", where: "f5", count: 2 },
  ]);
});

it("has the latency of what was timed in between, in nanoseconds", () => {
  const bucket = (3 << 8) | 40; // 320 to 328 ns
  const before = reading({}, { [`3,${bucket}`]: 5 });
  const after = reading({}, { [`3,${bucket}`]: 15, [`2,${bucket}`]: 1 });
  const { latency } = tally(before, after);
  expect(latency["bridge.flood"]).toEqual({ sampled: 10, p50: 324, p99: expect.closeTo(328, 0) });
  expect(latency["bridge.forward"]?.sampled).toBe(1);
});

it("has no amplification without frames", () => {
  expect(tally(NOTHING, NOTHING)).toMatchObject({ ingress: 0, amplification: null });
});

describe("the totals of an interface", () => {
  const counts = { 0: 10, 8: 3, 9: 6, 25: 6, 24: 20, 26: 2, 28: 1, 40: 1 };
  const counted = tally(NOTHING, reading(counts, {}, { "0,5,2": 3 }));

  it("are split as what was counted of them", () => {
    const split = splitTotals(counted, { rx: 1001, tx: 390, txDropped: 10 }, 100);
    expect(split).toMatchObject({ ingress: 1001, egress: 400, originated: 40, learned: 100 });
    expect(split.copies).toBe(Math.round(15 * 100.1));
    expect(split.amplification).toBe(1.5);
    expect(split.dropped).toEqual([{ reason: "R2", where: "f5", count: 300 }]);
    const { decisions } = split;
    expect(decisions).toMatchObject({ unknownUnicast: 300, knownUnicast: 601, filtered: 100 });
    const sum = Object.values(decisions ?? {}).reduce((all, one) => all + one, 0);
    expect(sum).toBe(1001);
  });

  it("have none held for a frame that was on its way while the maps were read, and many for many", () => {
    const split = (counts: Record<number, number>) =>
      splitTotals(tally(NOTHING, reading(counts)), { rx: 100_000, tx: 0, txDropped: 0 }, 100);
    expect(split({ 0: 1000, 9: 999 })).toMatchObject({
      held: 0,
      decisions: { knownUnicast: 100_000 },
    });
    expect(split({ 0: 1000, 9: 500 })).toMatchObject({
      held: 50_000,
      decisions: { knownUnicast: 50_000 },
    });
  });

  it("are unknown where none of them was counted, and nothing where there are none", () => {
    const none = tally(NOTHING, NOTHING);
    const unknown = splitTotals(none, { rx: 7, tx: 7, txDropped: 0 }, 100);
    expect(unknown).toMatchObject({ ingress: null, decisions: null, copies: null, egress: null });
    const nothing = splitTotals(none, { rx: 0, tx: 0, txDropped: 0 }, 100);
    expect(nothing).toMatchObject({ ingress: 0, copies: 0, egress: 0 });
  });
});
