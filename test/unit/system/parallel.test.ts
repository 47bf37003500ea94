import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { inParallel } from "../../../src/system/parallel.ts";

const MANY = Array.from({ length: 4 * availableParallelism() }, (_, index) => index);

/** Lets all that can go on do so. */
const turns = () => new Promise((resolve) => setImmediate(resolve));

test("all are done, no more at once than there are cores, and the results are in order", async () => {
  let [running, most] = [0, 0];
  const results = await inParallel(MANY, async (item) => {
    most = Math.max(most, ++running);
    // The first of those that run is the last to end.
    for (let wait = item % availableParallelism(); wait < availableParallelism(); wait++) {
      await turns();
    }
    running--;
    return 10 * item;
  });
  expect(results).toEqual(MANY.map((item) => 10 * item));
  expect(most).toBe(availableParallelism());
});

test("the first failure is thrown when what runs has ended, and nothing else is begun", async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const work = inParallel(MANY, async (item) => {
    begun.push(item);
    if (item > 0) await turns();
    ended.push(item);
    throw new Error(`of ${item}`);
  });
  await expect(work).rejects.toThrow("of 0");
  expect(begun).toEqual(MANY.slice(0, availableParallelism()));
  expect(ended).toEqual(begun);
});

test("nothing to do is done", async () => {
  expect(await inParallel([], () => Promise.reject(new Error("called")))).toEqual([]);
});
