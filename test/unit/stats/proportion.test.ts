import { expect, test } from "vitest";
import { shareInterval } from "../../../src/stats/proportion.ts";

// By R's binom.test(x, n)$conf.int.
test.each([
  [0, 100, 0, 0.036_217],
  [3, 100, 0.006_23, 0.085_176],
  [50, 100, 0.398_321, 0.601_679],
  [100, 100, 0.963_783, 1],
  [1, 1, 0.025, 1],
  [7, 1680, 0.001_677, 0.008_566],
])("%i of %i", (hits, trials, low, high) => {
  const [from, to] = shareInterval(hits, trials);
  expect(from).toBeCloseTo(low, 5);
  expect(to).toBeCloseTo(high, 5);
});

test("no trials have no share", () => {
  expect(() => shareInterval(0, 0)).toThrow(new RangeError("no share: 0 of 0"));
  expect(() => shareInterval(2, 1)).toThrow(RangeError);
  expect(() => shareInterval(-1, 1)).toThrow(RangeError);
});
