import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { halfWidth, welch, welchP } from "../../../src/stats/welch.ts";

const logs = (values: readonly number[]) => values.map(Math.log);
const FIVE = logs([812, 830, 805, 821, 818]);
const FOUR = logs([840, 851, 829, 848]);

/** R 4.2.2: t.test(b, a) for the error and the freedom, which is rounded down here, and qt and pt with that. */
describe("against R", () => {
  it("five values and four", () => {
    const found = welch(FIVE, FOUR) ?? expect.fail("no difference");
    expect(found.difference).toBeCloseTo(0.0298979499492713, 14);
    expect(found.error).toBeCloseTo(0.00779862600139119, 14);
    expect(found.freedom).toBe(6); // 6.51599723907148
    const width = halfWidth(found, 0.01);
    expect(Math.exp(found.difference - width)).toBeCloseTo(1.00098559075956, 10);
    expect(Math.exp(found.difference + width)).toBeCloseTo(1.0605745552319, 10);
    expect(welchP(found)).toBeCloseTo(0.00862146020933495, 10);
  });

  it("three values and six that vary more", () => {
    const found = welch(logs([812, 830, 805]), logs([840, 901, 779, 848, 812, 866]));
    expect(found?.error).toBeCloseTo(0.0225474218199957, 14);
    expect(found?.freedom).toBe(6); // 6.51851748549065
  });

  it("one value against five, taken to vary alike: sd(a) * sqrt(1 + 1/5), pt with 4", () => {
    const found = welch(FIVE, logs([850])) ?? expect.fail("no difference");
    expect(found.error).toBeCloseTo(0.0126215684131319, 14);
    expect(found.freedom).toBe(4);
    expect(welchP(found)).toBeCloseTo(0.0354551640620476, 10);
  });
});

const values = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), {
  minLength: 2,
  maxLength: 12,
});

describe("whatever the values", () => {
  it("is negated when the sides are exchanged", () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const [one, other] = [welch(a, b), welch(b, a)];
        expect(other?.difference).toBeCloseTo(-(one?.difference ?? Number.NaN), 12);
        expect(other?.error).toBeCloseTo(one?.error ?? Number.NaN, 12);
        expect(other?.freedom).toBe(one?.freedom);
      }),
    );
  });

  it("does not change when all values are moved by the same", () => {
    fc.assert(
      fc.property(values, values, fc.integer({ min: -9, max: 9 }), (a, b, by) => {
        const moved = (side: number[]) => side.map((value) => value + by);
        const [one, other] = [welch(a, b), welch(moved(a), moved(b))];
        expect(other?.difference).toBeCloseTo(one?.difference ?? Number.NaN, 10);
      }),
    );
  });

  it("has at least the freedom of the smaller side, and at most that of both", () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const freedom = welch(a, b)?.freedom ?? Number.NaN;
        expect(freedom).toBeGreaterThanOrEqual(Math.min(a.length, b.length) - 1);
        expect(freedom).toBeLessThanOrEqual(a.length + b.length - 2);
      }),
    );
  });
});

it("says nothing of one value a side, or none", () => {
  expect(welch([1], [2])).toBeNull();
  expect(welch([], [1, 2])).toBeNull();
  expect(welch([1, 2], [])).toBeNull();
});

it("one value is taken to vary as the other side does, whichever side it is on", () => {
  const [one, other] = [welch([3], [1, 2, 6]), welch([1, 2, 6], [3])];
  expect(one).toEqual({ difference: 0, error: other?.error, freedom: 2 });
  expect(other?.freedom).toBe(2);
});

it("the freedom of sides that vary alike is that of both, whole, and of those that do not the smaller's", () => {
  expect(welch([1, 2, 3], [4, 5, 6])?.freedom).toBe(4);
  expect(welch([1, 1], [2, 2, 2])?.freedom).toBe(1);
});

it("values that do not vary differ for certain, or not at all", () => {
  expect(welchP(welch([1, 1], [1, 1]) ?? expect.fail())).toBe(1);
  expect(welchP(welch([1, 1], [2, 2]) ?? expect.fail())).toBe(0);
});
