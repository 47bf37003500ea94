import { expect, test } from "vitest";
import { roundTrip } from "../../../src/stats/round-trip.ts";

type Part = Parameters<typeof roundTrip>[0][number];

function part(buckets: Part["buckets"], some: Partial<Part> = {}): Part {
  return { buckets, from: "request sent", missedSlots: null, ...some };
}

test("several rounds are one histogram, and the percentiles are of that", () => {
  const together = roundTrip([
    part([[1000, 1010, 900]]),
    part([
      [1000, 1010, 75],
      [2000, 2020, 25],
    ]),
  ]);
  expect(together).toEqual({
    unit: "ns",
    count: 1000,
    p2_5: 1000 + (10 * 25) / 975,
    p50: 1000 + (10 * 500) / 975,
    p97_5: 1010,
    p99: 2000 + (20 * 15) / 25,
    p999: 2000 + (20 * 24) / 25,
    max: 2020,
    buckets: [
      [1000, 1010, 975],
      [2000, 2020, 25],
    ],
    from: "request sent",
    missedSlots: null,
  });
});

test("missed slots add up; without a rate there are none to miss", () => {
  const paced = { from: "intended send time" } as const;
  const missed = (parts: Part[]) => roundTrip(parts)?.missedSlots;
  const some: Part["buckets"] = [[5, 6, 1]];
  expect(missed([part(some, { ...paced, missedSlots: 3 }), part(some, { missedSlots: 4 })])).toBe(
    7,
  );
  expect(missed([part(some, { ...paced, missedSlots: 0 })])).toBe(0);
  expect(missed([part(some), part(some)])).toBeNull();
});

test("where nothing was answered there is nothing to say", () => {
  expect(roundTrip([])).toBeUndefined();
  expect(roundTrip([part([])])).toBeUndefined();
});
