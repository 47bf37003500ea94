import { describe, expect, test } from "vitest";
import type { Bucket } from "../../../src/stats/histogram.ts";
import {
  netLatency,
  type StageSession,
  spread,
  trimmedMean,
} from "../../../src/stats/net-latency.ts";

/** So many samples, all in one step of 8 ns around that value. */
const at = (value: number, count = 100): Bucket => [value - 4, value + 4, count];
const session = (raw: number, empty: number, eventNs: number | null = null): StageSession => ({
  ...{ raw: [at(raw)], empty: [at(empty)], eventNs },
});

describe("a stage without its observer", () => {
  test("is what was measured less what an empty path takes, session by session", () => {
    const found = netLatency([session(1000, 480), session(1040, 500), session(1020, 490)], 0);
    expect(found.sessions).toEqual([520, 540, 530]);
    expect(found.observer?.value).toBeCloseTo(490);
    expect(found.estimate).toMatchObject({ value: 530, n: 3 });
    expect(found.withheld).toBeNull();
    expect(found.sampled).toBe(300);
  });

  test("has percentiles that are raw less the one observer, and none beyond the 90th", () => {
    const found = netLatency([session(1000, 480), session(1040, 500)], 0);
    for (const name of ["p10", "p50", "p90"] as const) {
      expect(found[name]).toBeCloseTo(found.raw[name] - (found.observer?.value ?? Number.NaN));
    }
    expect(found.raw.buckets).toEqual([at(1000), at(1040)]);
    expect(found.raw.max).toBe(1044);
    expect(Object.keys(found)).not.toContain("p99");
  });

  test("has an interval by Student's t over sessions, and none of one session", () => {
    const found = netLatency([session(1000, 480), session(1040, 500), session(1020, 490)], 0);
    const [low = 0, high = 0] = found.estimate?.ci ?? [];
    // 10 ns of spread, 3 sessions: 4.303 * 10 / sqrt(3).
    expect(high - 530).toBeCloseTo(24.84, 1);
    expect(530 - low).toBeCloseTo(24.84, 1);
    const one = netLatency([session(1000, 480)], 0);
    expect(one).toMatchObject({ estimate: null, withheld: null, sessions: [520] });
    expect(one.p50).toBeCloseTo(520);
  });

  test("has whole events inside it taken out too, by what one costs in that session", () => {
    const found = netLatency([session(3000, 480, 400), session(3400, 480, 600)], 2);
    expect(found.sessions).toEqual([3000 - 480 - 800, 3400 - 480 - 1200]);
    expect(found.observer?.method).toContain("slow-down");
  });

  test("leaves a session without samples out, and the others in their places", () => {
    const silent = { raw: [], empty: [], eventNs: null };
    const found = netLatency([session(1000, 480), silent, session(1040, 500)], 0);
    expect(found.sessions).toEqual([520, Number.NaN, 540]);
    expect(found.estimate).toMatchObject({ value: 530, n: 2 });
  });
});

describe("net numbers are withheld, with the reason, and raw ones stay", () => {
  const cases: [string, StageSession[], number, RegExp][] = [
    [
      "of few samples",
      [{ raw: [at(1000, 49)], empty: [at(480)], eventNs: null }],
      0,
      /^only 49 frames were timed$/,
    ],
    [
      "without an empty path",
      [session(1000, 480), { raw: [at(1000)], empty: [at(480, 3)], eventNs: null }],
      0,
      /empty path .* gave only 3 samples$/,
    ],
    [
      "where the probes' share varies",
      [session(1000, 400), session(1300, 601)],
      0,
      /varied from 400 to 601 ns between sessions/,
    ],
    [
      "where what the events inside the stage cost varies",
      [session(3000, 480, 100), session(3000, 480, 500)],
      2,
      /varied from 680 to 1480 ns between sessions/,
    ],
    [
      "where what an event costs is not known",
      [session(3000, 480), session(3000, 480)],
      2,
      /2 events of ours lie inside the stage/,
    ],
    [
      "where the probes are all of it",
      [session(470, 480), session(470, 480)],
      0,
      /^below what can be seen here: of 470 ns the probes take 480$/,
    ],
  ];

  test.each(cases)("%s", (_, sessions, inner, reason) => {
    const found = netLatency(sessions, inner);
    expect(found.withheld).toMatch(reason);
    expect([found.p10, found.p50, found.p90, found.estimate]).toEqual([null, null, null, null]);
    expect(found.sessions).toEqual([]);
    expect(found.raw.p50).toBeGreaterThan(400);
  });

  test("but not where one of many sessions has inner events that cost more", () => {
    const many = Array.from({ length: 12 }, (_, index) =>
      session(3000, 480, index === 3 ? 600 : 300),
    );
    expect(netLatency(many, 2).withheld).toBeNull();
  });

  test("but not where the share varies by half of itself at the most", () => {
    expect(netLatency([session(1000, 400), session(1300, 600)], 0).withheld).toBeNull();
  });
});

test("a trimmed mean leaves 2 % of the least and 5 % of the largest out", () => {
  const buckets: Bucket[] = [
    [0, 8, 2],
    [100, 108, 93],
    [1_000_000, 1_004_096, 5],
  ];
  expect(trimmedMean(buckets)).toBeCloseTo(104);
  expect(trimmedMean(buckets, [0, 1])).toBeGreaterThan(50_000);
  // A bucket that the edge cuts counts by the part that is inside.
  expect(trimmedMean([at(100, 4), at(200, 96)], [0.02, 1])).toBeCloseTo((2 * 100 + 96 * 200) / 98);
});

test("a spread of one value is that value", () => {
  expect(spread([7])).toEqual({ value: 7, ci: [7, 7] });
});
