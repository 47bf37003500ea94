import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { runningOf } from "../../../src/bench/running.ts";
import { type TrackOptions, track } from "../../../src/cli/track.ts";
import type { RunProgress } from "../../../src/document/progress.ts";
import { brokenRun, completeRun } from "../../fixtures/report/runs.ts";

beforeEach(() => {
  vi.stubEnv("NO_COLOR", "");
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const STEPS: RunProgress[] = ["building the lab", "round 1 of 2", "round 2 of 2"].map((what) => ({
  event: "phase",
  done: 0,
  total: 1,
  current: "bridge:4/\x1b[31mflood",
  what,
  rounds: { done: 0, total: 2 },
  round: null,
  elapsedNs: 0,
  remainingNs: 5e9,
}));

/** What is written for a run of three steps, on a terminal of that many columns or, without, to a file. */
async function written(
  options: Omit<TrackOptions, "stream">,
  columns?: number,
  outcome = async () => completeRun(),
): Promise<string> {
  let text = "";
  const stream = {
    write: (part: string) => {
      text += part;
    },
    ...(columns === undefined ? {} : { isTTY: true, columns }),
  };
  const running = runningOf(async (onProgress) => {
    for (const step of STEPS) {
      await setImmediate();
      onProgress(step);
    }
    return outcome();
  });
  expect(track(running, { ...options, stream })).toBe(running);
  await running.then(
    () => {},
    () => {},
  );
  const atTheEnd = text;
  await setImmediate();
  expect(text).toBe(atTheEnd);
  return text;
}

const HEAD = "[1/1] bridge:4/\\x1b[31mflood";
const PROGRESS = { results: false, percentiles: false } as const;
const TABLES = { progress: false } as const;

test("on a terminal the line is drawn anew for each step, and gone at the end", async () => {
  const text = await written(PROGRESS, 100);
  expect(text.split("\r\x1b[K")).toEqual([
    "",
    `${HEAD}  building the lab  5 s left`,
    `${HEAD}  round 1 of 2  5 s left`,
    `${HEAD}  round 2 of 2  5 s left`,
    "",
  ]);
});

test("is narrower than the terminal, so that it never wraps", async () => {
  for (const columns of [10, 40, 80]) {
    const lines = (await written(PROGRESS, columns)).split("\r\x1b[K");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(columns);
  }
});

test("steps that were still to be read do not come after the end", async () => {
  let text = "";
  const stream = {
    write: (part: string) => {
      text += part;
    },
    isTTY: true,
    columns: 100,
  };
  const running = runningOf(async (onProgress) => {
    await setImmediate();
    for (let i = 0; i < 50; i++) for (const step of STEPS) onProgress(step);
    return completeRun();
  });
  await track(running, { ...PROGRESS, stream });
  await setImmediate();
  expect(text.endsWith("\r\x1b[K")).toBe(true);
});

test("elsewhere there is one whole line for a new case", async () => {
  expect(await written(PROGRESS)).toBe(`${HEAD}  building the lab  5 s left\n`);
});

test("at the end come results, round trips and stages, each unless it is not wanted", async () => {
  const all = await written(TABLES);
  for (const words of ["run 20261123T211400Z-4f1c: complete", "Results:", "97.5 %", "Stage lat"]) {
    expect(all).toContain(words);
  }
  const results = await written({ ...TABLES, percentiles: false });
  expect(results).toContain("Results:");
  expect(results).not.toContain("97.5 %");
  const percentiles = await written({ ...TABLES, results: false });
  expect(percentiles).not.toContain("Results:");
  expect(percentiles).toContain("97.5 %");
  expect(await written({ ...TABLES, ...PROGRESS })).toBe("");
});

test("what went wrong is among the results", async () => {
  const text = await written(TABLES, undefined, async () => brokenRun());
  expect(text).toContain("BOOKS DO NOT BALANCE");
});

test("a run that is rejected says why in place of its results", async () => {
  const failing = async () => {
    throw new Error("no bpftrace\nnor \x1b[1mip");
  };
  expect(await written(TABLES, undefined, failing)).toBe(
    "bridgescope: no bpftrace\nnor \\x1b[1mip\n",
  );
  expect(await written({ ...TABLES, results: false }, undefined, failing)).toBe("");
});

test("colours are for terminals, and not with NO_COLOR", async () => {
  expect(await written(TABLES, 80)).toContain("\x1b[1m");
  expect(await written(TABLES)).not.toContain("\x1b");
  vi.stubEnv("NO_COLOR", "1");
  expect(await written(TABLES, 80)).not.toContain("\x1b");
});
