import { expect, it } from "vitest";
import { NOTHING, tallies } from "../../../src/watch/tally.ts";

const DEVICE = (7n << 32n) | 3n;

function reading(counts: Record<number, number>, latency: Record<string, number> = {}) {
  return {
    counts: new Map(Object.entries(counts).map(([code, n]) => [`${DEVICE},${code}`, n])),
    latency: new Map(Object.entries(latency).map(([key, n]) => [`${DEVICE},${key}`, n])),
  };
}

it("is what came between two readings", () => {
  const before = reading({ 0: 5, 8: 5, 25: 15, 24: 1 });
  const after = reading({ 0: 8, 8: 7, 16: 1, 1: 10, 9: 9, 25: 30, 24: 3, 28: 2 });
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
