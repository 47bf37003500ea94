import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { setThreadCpus, threadCpus } from "../../../src/system/libc.ts";
import { arbitraryScenario } from "../../model/arbitrary.ts";
import { prefixOf } from "./addresses.ts";
import { play } from "./play.ts";
import { openRig, PORTS, type Rig } from "./rig.ts";
import { judgeTotals } from "./verdict.ts";

const SCENARIOS = 15;

let rigs: Rig[] = [];
beforeAll(async () => {
  setThreadCpus(threadCpus().slice(0, 1));
  rigs = [await openRig(), await openRig()];
});
afterAll(async () => {
  for (const rig of rigs) await rig.close();
});

test("two labs with the same names and ifindexes at once: each account has its own frames only", async () => {
  const [first, second] = rigs.map(({ ports }) => ports);
  expect(first).toEqual(second);
  const results = await Promise.all(
    rigs.map(async (rig, seed) => {
      const arbitrary = arbitraryScenario({ ports: PORTS, macPrefix: prefixOf(rig.lab) });
      const differences: string[] = [];
      for (const scenario of fc.sample(arbitrary, { seed, numRuns: SCENARIOS })) {
        differences.push(...(await play(rig, scenario)));
      }
      return differences;
    }),
  );
  expect(results).toEqual([[], []]);
  for (const rig of rigs) expect(judgeTotals(rig, await rig.finish())).toEqual([]);
});
