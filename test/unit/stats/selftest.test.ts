import { expect, test } from "vitest";
import { countedLatency } from "../../../src/stats/counted-latency.ts";
import { summarize } from "../../../src/stats/selftest.ts";

type Comparison = Parameters<typeof summarize>[0][number];
const comparison = (ratio: number, ci: [number, number], found: boolean, declared: boolean) =>
  ({ ratio, ci, found, declared }) as Comparison;

const THREE = [
  comparison(1.1, [1, 1.2], true, false),
  comparison(0.95, [0.9, 1], false, false),
  comparison(1.2, [1.15, 1.3], true, true),
];

test("comparisons of one with itself come to how often a change was found, and 1 covered", () => {
  const { ratio, ratioCi, found, declared, covered } = summarize(THREE, true);
  expect(ratio).toBe(1.1);
  expect(ratioCi).toBeNull();
  expect(found).toMatchObject({ hits: 2, of: 3, share: 2 / 3 });
  expect(declared).toMatchObject({ hits: 1, of: 3 });
  expect(covered).toMatchObject({ hits: 2, of: 3 });
  expect(found?.ci[0]).toBeLessThan(2 / 3);
  expect(found?.ci[1]).toBeGreaterThan(2 / 3);
});

test("where the sides differ, the middle ratio is what an interval has to cover", () => {
  expect(summarize(THREE, false).covered).toMatchObject({ hits: 1, of: 3 });
  const ratios = [1.1, 1.11, 1.12, 1.13, 1.14].map((one) =>
    comparison(one, [1.12, 1.12], true, true),
  );
  const { ratio, ratioCi, covered } = summarize(ratios, false);
  expect(ratio).toBe(1.12);
  expect(covered?.hits).toBe(5);
  expect(ratioCi?.[0]).toBeGreaterThanOrEqual(1.1);
  expect(ratioCi?.[1]).toBeLessThanOrEqual(1.14);
});

test("no comparison comes to nothing", () => {
  const nothing = { ratio: null, ratioCi: null, found: null, declared: null, covered: null };
  expect(summarize([], true)).toEqual(nothing);
});

const ENDS = { from: "br_forward", to: "br_dev_queue_push_xmit" };

test("counted samples become a latency in instructions, whole ones, net of the probes", () => {
  const perRound = [1, 2].map((round) => ({ round, value: 10, n: 500, of: 500 }));
  const latency = countedLatency({
    buckets: [
      [63, 64, 950],
      [73, 74, 45],
      [83, 84, 5],
    ],
    ...{ perRound, observer: { value: 53 }, ...ENDS },
  });
  expect(latency).toMatchObject({
    ...{ unit: "instructions", count: 1000, sampled: 1000, p10: 10, p50: 10, p90: 10 },
    ...{ observer: { value: 53, ci: [53, 53] }, withheld: null, perRound, ...ENDS },
  });
  expect(Math.floor(latency.raw.p50)).toBe(63);
  expect(Math.floor(latency.raw.p99)).toBe(73);
  expect(latency.raw.max).toBe(84);
});

test("a counted latency is estimated boot by boot, and is none where nothing was sampled", () => {
  const values = [10, 10, 12, 12];
  const perRound = values.map((value, index) => ({ round: index + 1, value, n: 5, of: 5 }));
  const observer = { value: 0, ci: [0, 1] as [number, number] };
  const samples = {
    buckets: [[10, 13, 20] as [number, number, number]],
    perRound,
    observer,
    ...ENDS,
  };
  const { estimate } = countedLatency(samples, (round) => round % 2);
  expect(estimate).toMatchObject({ value: 10, ci: [10, 10], n: 4 });
  expect(estimate?.method).toMatch(/4 rounds of 2 boots/);
  const one = countedLatency(samples).estimate;
  expect([one?.ci, one?.method]).toEqual([[10, 12], expect.stringMatching(/of one boot/)]);
  expect(countedLatency(samples).observer?.ci).toEqual([0, 1]);
  expect(countedLatency({ ...samples, buckets: [] })).toMatchObject({ count: 0, raw: { max: 0 } });
});
