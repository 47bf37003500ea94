import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { KEPT, type Running, runningOf } from "../../../src/bench/running.ts";
import type { RunProgress } from "../../../src/document/progress.ts";
import type { Run } from "../../../src/document/run.ts";
import { completeRun } from "../../fixtures/report/runs.ts";

function step(what: string): RunProgress {
  return {
    event: "phase",
    done: 0,
    total: 1,
    current: "bridge:2/flood",
    what,
    rounds: null,
    round: null,
    elapsedNs: 0,
    remainingNs: 0,
  };
}

/** A run that the test drives. */
function driven() {
  const { promise, resolve, reject } = withResolvers();
  let tell: (progress: RunProgress) => void = () => {};
  const running = runningOf((onProgress) => {
    tell = onProgress;
    return promise;
  });
  return { running, tell: (what: string) => tell(step(what)), resolve, reject };
}

function withResolvers() {
  let resolve: (run: Run) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<Run>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

async function words(running: Running, most = Number.POSITIVE_INFINITY): Promise<string[]> {
  const read: string[] = [];
  for await (const { what } of running) {
    read.push(what);
    if (read.length === most) break;
  }
  return read;
}

test("is the document to whoever awaits, as often as they like", async () => {
  const run = completeRun();
  const { running, resolve } = driven();
  resolve(run);
  expect(await running).toBe(run);
  expect(await running).toBe(run);
});

test("is each step to each reader, from where the reader began until the run ends", async () => {
  const { running, tell, resolve } = driven();
  const first = words(running);
  tell("a");
  tell("b");
  const second = words(running);
  await setImmediate();
  tell("c");
  resolve(completeRun());
  expect(await first).toEqual(["a", "b", "c"]);
  expect(await second).toEqual(["c"]);
  expect(await words(running)).toEqual([]);
});

test("a reader that leaves stops neither the run nor the others", async () => {
  const { running, tell, resolve } = driven();
  const leaving = words(running, 1);
  const staying = words(running);
  tell("a");
  expect(await leaving).toEqual(["a"]);
  tell("b");
  resolve(completeRun());
  expect(await staying).toEqual(["a", "b"]);
  expect((await running).state).toBe("complete");
});

test("a reader that left while waiting is not kept waiting", async () => {
  const { running } = driven();
  const reader = running[Symbol.asyncIterator]();
  const waiting = reader.next();
  await reader.return?.();
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(await reader.next()).toEqual({ done: true, value: undefined });
});

test("a reader that is slow has the latest steps, and no more than are kept", async () => {
  const { running, tell, resolve } = driven();
  const reader = running[Symbol.asyncIterator]();
  for (let i = 0; i < KEPT + 5; i++) tell(String(i));
  resolve(completeRun());
  await running;
  const read: string[] = [];
  for (let one = await reader.next(); !one.done; one = await reader.next())
    read.push(one.value.what);
  expect(read).toHaveLength(KEPT);
  expect(read[0]).toBe("5");
  expect(read.at(-1)).toBe(String(KEPT + 4));
});

test("several can wait for the next step on one iterator", async () => {
  const { running, tell, resolve } = driven();
  const reader = running[Symbol.asyncIterator]();
  const both = Promise.all([reader.next(), reader.next(), reader.next()]);
  tell("a");
  tell("b");
  resolve(completeRun());
  expect((await both).map(({ value }) => value?.what)).toEqual(["a", "b", undefined]);
});

test("a run that fails rejects the promise and ends the readers", async () => {
  const { running, tell, reject } = driven();
  const reading = words(running);
  tell("a");
  reject(new Error("no such bridge"));
  expect(await reading).toEqual(["a"]);
  await expect(running).rejects.toThrow("no such bridge");
});

// Where this breaks, vitest fails the whole run with an unhandled rejection.
test("whoever only reads need not fear the rejection", async () => {
  const { running, reject } = driven();
  const reading = words(running);
  reject(new Error("nobody awaits this"));
  expect(await reading).toEqual([]);
  await setImmediate();
});

test("what is thrown at the start is a rejection", async () => {
  const running = runningOf(() => {
    throw new RangeError("at once");
  });
  await expect(running).rejects.toThrow("at once");
});
