import { describe, expect, it } from "vitest";
import {
  afterCounting,
  afterResting,
  countedTime,
  FIRST_PACE,
  type Pace,
  partNote,
  restMs,
  tooMuchFor,
} from "../../../src/live/pace.ts";

const LIMIT = 0.02;
const FULL: Pace = { shift: 0, debtMs: 0 };
const SAMPLED: Pace = { shift: 6, debtMs: 0 };

const counting = (pace: Pace, share: number, ms = 100) => afterCounting(pace, { ms, share }, LIMIT);

describe("the pace of the probes", () => {
  it("begins sampled, and opens up where counting takes little", () => {
    expect(FIRST_PACE).toEqual(SAMPLED);
    expect(counting(FIRST_PACE, 0.002)).toEqual({ pace: FULL, rest: false });
    expect(counting(FIRST_PACE, 0.005)).toEqual({ pace: SAMPLED, rest: false });
  });

  it("stays full while they take less than half of what they may, and then times fewer frames", () => {
    expect(counting(FULL, 0.009)).toEqual({ pace: FULL, rest: false });
    expect(counting(FULL, 0.011)).toEqual({ pace: SAMPLED, rest: false });
  });

  it("never rests below the limit", () => {
    expect(counting(SAMPLED, 0.9 * LIMIT, 3_600_000).rest).toBe(false);
  });

  it("rests when as much is owed as the limit gives in a quarter of a second", () => {
    // 0.98 of a CPU too much: 4.6 ms of it are 4.5 ms of CPU time.
    expect(counting(SAMPLED, 1, 4).rest).toBe(false);
    expect(counting(SAMPLED, 1, 5).rest).toBe(true);
    // A little too much may go on for longer: 0.002 of a CPU for two seconds.
    expect(counting(SAMPLED, 0.02, 2000).rest).toBe(false);
    expect(counting(SAMPLED, 0.02, 2300).rest).toBe(true);
  });

  it("rests until both parts together are below the limit", () => {
    const { pace } = counting(SAMPLED, 0.5, 20);
    const rest = restMs(pace, LIMIT);
    expect((0.5 * 20) / (20 + rest)).toBeCloseTo(0.9 * LIMIT);
    expect(afterResting(pace, rest, LIMIT).debtMs).toBeCloseTo(0);
    expect(afterResting(pace, rest / 2, LIMIT).debtMs).toBeCloseTo(pace.debtMs / 2);
  });

  it("saves nothing up by counting cheaply", () => {
    const idle = counting(SAMPLED, 0, 60_000).pace;
    expect(counting(idle, 1, 5).rest).toBe(true);
  });
});

describe("a machine that drops frames", () => {
  it("has probes detached that take more than half of what they may", () => {
    expect(tooMuchFor(7, 0.011, LIMIT)).toMatch(/^the machine drops frames \(7 in softnet\), so/);
    expect(tooMuchFor(7, 0.009, LIMIT)).toBeNull();
    expect(tooMuchFor(0, 0.5, LIMIT)).toBeNull();
  });
});

it("says what part of the time was counted, where that is not all of it", () => {
  expect(partNote(1, LIMIT)).toBeNull();
  expect(partNote(0.038, LIMIT)).toMatch(/^frames were counted for 3.8 % of the time, .* 2.0 %/);
});

it("counts the time between two looks where the probes stay, and until they are gone", () => {
  const time = countedTime(1000);
  time.ended(1250, { counted: 0.25, whole: true });
  // Reading the maps took 150 ms.
  time.ended(1650, { counted: 0.25, whole: true });
  time.stopped(1700);
  expect(time.seconds()).toBeCloseTo(0.7);
});

it("counts no time in which they rest", () => {
  const time = countedTime(1000);
  time.ended(1250, { counted: 0.1, whole: false });
  time.stopped(1400);
  expect(time.seconds()).toBeCloseTo(0.1);
});
