import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RoundProgress, RunProgress } from "../../../src/document/progress.ts";
import {
  progressHead,
  progressText,
  progressWords,
  timeLeft,
} from "../../../src/report/progress.ts";

const ROUND: RoundProgress = {
  index: 3,
  metric: "frame_rate",
  value: 146_200,
  unit: "frames/s",
};
const STEP: RunProgress = {
  event: "phase",
  done: 2,
  total: 13,
  current: "bridge:4/flood",
  what: "round 4 of 7",
  rounds: { done: 3, total: 7 },
  round: ROUND,
  elapsedNs: 30e9,
  remainingNs: 71.2e9,
};
const BEFORE: RunProgress = { ...STEP, done: 0, current: "checks", rounds: null, round: null };

function text(step: RunProgress, width: number): string {
  return progressText(progressHead(step), progressWords(step), width);
}

describe("a line of progress", () => {
  test("says the case, the round, the last round's rate and the time left", () => {
    expect(text(STEP, 79)).toBe(
      "[3/13] bridge:4/flood  round 4 of 7  146 k frames/s  1 min 12 s left",
    );
  });

  test("has no rate before the first round, and no case before the first", () => {
    expect(text({ ...STEP, round: null }, 79)).toBe(
      "[3/13] bridge:4/flood  round 4 of 7  1 min 12 s left",
    );
    expect(text({ ...BEFORE, what: "walking" }, 79)).toBe(
      "[0/13] checks  walking  1 min 12 s left",
    );
  });

  test("has the last round's rate until something else is done", () => {
    const last = { ...STEP, rounds: { done: 7, total: 7 } };
    expect(text({ ...last, event: "round", round: ROUND }, 79)).toContain("146 k frames/s");
    expect(text({ ...last, what: "reading the probes" }, 79)).toBe(
      "[3/13] bridge:4/flood  reading the probes  1 min 12 s left",
    );
  });

  test("is ASCII: a time is in us", () => {
    const round = { index: 1, metric: "rtt_p50", value: 8620, unit: "ns" } as const;
    expect(text({ ...STEP, round }, 79)).toContain("  8.62 us  ");
  });

  test("loses the middle of a long name first, then its own end", () => {
    const long = { ...STEP, current: "bridge:1000,ageing_time=5s,stp_state=1/udp-rr,rate=1000" };
    expect(text(long, 79)).toBe(
      "[3/13] bridge:1000,a...rate=1000  round 4 of 7  146 k frames/s  1 min 12 s left",
    );
    expect(text(STEP, 30)).toBe("[3/...d  round 4 of 7  146 k f");
  });

  test("shows what a terminal would obey", () => {
    expect(text({ ...STEP, current: "\x1b[2Jx\r\n\u202e" }, 200)).toContain(
      "\\x1b[2Jx\\x0d\\x0a\\u202e",
    );
  });

  test("is never wider than its room and never anything but ASCII, whatever is in it", () => {
    const any = fc.string({ unit: "binary", maxLength: 120 });
    fc.assert(
      fc.property(any, any, fc.integer({ min: 1, max: 200 }), (head, words, width) => {
        const line = progressText(head, words, width);
        expect(line.length).toBeLessThanOrEqual(width);
        expect(line).toMatch(/^[\x20-\x7e]*$/);
      }),
    );
  });
});

test.each([
  [0, "1 s"],
  [0.2e9, "1 s"],
  [59.1e9, "1 min 0 s"],
  [8e9, "8 s"],
  [72e9, "1 min 12 s"],
  [7500e9, "2 h 5 min"],
])("%d ns are %s", (ns, words) => {
  expect(timeLeft(ns)).toBe(words);
});
