import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chanceOfApart, countedEstimate } from "../../../src/stats/counted.ts";

const rounds = fc.array(
  fc.record({ value: fc.integer({ min: 1190, max: 1210 }), boot: fc.integer({ min: 0, max: 3 }) }),
  { minLength: 1, maxLength: 40 },
);

function modeByHand(values: readonly number[]): number {
  const times = (value: number) => values.filter((one) => one === value).length;
  const most = Math.max(...values.map(times));
  return Math.min(...values.filter((value) => times(value) === most));
}

describe("countedEstimate", () => {
  it("is the most frequent value, and the least of equally frequent ones", () => {
    fc.assert(
      fc.property(rounds, (list) => {
        expect(countedEstimate(list).value).toBe(modeByHand(list.map((one) => one.value)));
      }),
    );
  });

  it("has an interval that holds the headline and every boot's own mode, and no more", () => {
    fc.assert(
      fc.property(rounds, (list) => {
        const { value, ci, n } = countedEstimate(list);
        const boots = [...new Set(list.map((round) => round.boot))];
        const modes = boots.map((boot) =>
          modeByHand(list.filter((one) => one.boot === boot).map((one) => one.value)),
        );
        const ends = boots.length > 1 ? [value, ...modes] : list.map((one) => one.value);
        expect(ci).toEqual([Math.min(...ends), Math.max(...ends)]);
        expect(n).toBe(list.length);
      }),
    );
  });

  it("does not mind the order of the rounds, nor the numbers of the boots", () => {
    fc.assert(
      fc.property(rounds, (list) => {
        const turned = list.toReversed().map(({ value, boot }) => ({ value, boot: 7 - boot }));
        expect(countedEstimate(turned)).toEqual(countedEstimate(list));
      }),
    );
  });

  it("moves with its values and keeps its width", () => {
    fc.assert(
      fc.property(rounds, fc.integer({ min: 1, max: 80 }), (list, extra) => {
        const moved = countedEstimate(list.map((one) => ({ ...one, value: one.value + extra })));
        const { value, ci } = countedEstimate(list);
        expect(moved.value - extra).toBe(value);
        expect(moved.ci.map((end) => end - extra)).toEqual(ci);
      }),
    );
  });

  it("is not moved by single rounds with another hash seed", () => {
    const list = [1331, 1381, 1331, 1281, 1331].flatMap((value) => [
      { value, boot: 0 },
      { value, boot: 1 },
    ]);
    expect(countedEstimate(list)).toMatchObject({ value: 1331, ci: [1331, 1331] });
  });

  it("holds a headline that is no boot's own mode", () => {
    // 1300 is second in each boot, and the most frequent over all.
    const list = [1331, 1341, 1351].flatMap((own, boot) =>
      [own, own, own, 1300, 1300].map((value) => ({ value, boot })),
    );
    expect(countedEstimate(list)).toMatchObject({ value: 1300, ci: [1300, 1351] });
  });

  it("spans the rounds of a single boot, and says that it is one", () => {
    const list = [1331, 1381, 1331].map((value) => ({ value, boot: 4 }));
    expect(countedEstimate(list)).toMatchObject({ value: 1331, ci: [1331, 1381] });
    expect(countedEstimate(list).method).toContain("one boot");
  });

  it("needs a round", () => {
    expect(() => countedEstimate([])).toThrow(RangeError);
  });
});

// By hand: 2 / C(6, 3), 2 / C(8, 4), 2 / C(10, 5).
it.each([
  [1, 1, 1],
  [3, 3, 0.1],
  [4, 4, 2 / 70],
  [5, 5, 2 / 252],
])("%d and %d boots lie apart by chance in %d", (a, b, share) => {
  expect(chanceOfApart(a, b)).toBeCloseTo(share, 12);
});
