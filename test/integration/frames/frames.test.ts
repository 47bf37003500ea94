import { writeSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { setThreadCpus, threadCpus } from "../../../src/system/libc.ts";
import { FULL } from "../../full.ts";
import { arbitraryScenario } from "../../model/arbitrary.ts";
import { prefixOf } from "./addresses.ts";
import { play } from "./play.ts";
import { openRig, PORTS, type Rig } from "./rig.ts";
import { judgeTotals } from "./verdict.ts";

const SEED = Number(process.env.BRIDGESCOPE_SEED ?? 20_261_123);
const RUNS = Number(process.env.BRIDGESCOPE_RUNS ?? 120);
const STDERR = 2;

describe("probes, counters and wires tell of every frame what the model tells", () => {
  test("of the same scenarios each time", () => agree(SEED, RUNS));
  test("of many others", { ...FULL, timeout: 600_000 }, () => agree(SEED + 1, 5 * RUNS));
});

async function agree(seed: number, runs: number): Promise<void> {
  const rig = await openRig();
  try {
    await playAll(rig, seed, runs);
  } finally {
    await rig.close();
  }
}

async function playAll(rig: Rig, seed: number, runs: number): Promise<void> {
  const cpus = threadCpus();
  let scenarios = 0;
  const property = fc.asyncProperty(
    arbitraryScenario({ ports: PORTS, macPrefix: prefixOf(rig.lab) }),
    async (scenario) => {
      // Frames are handled where they are sent: each scenario meets what the last left on its CPU.
      setThreadCpus([cpus[scenarios++ % cpus.length] ?? 0]);
      const differences = await play(rig, scenario);
      if (differences.length > 0) throw new Error(differences.join("\n"));
    },
  );
  await fc.assert(property, { seed, numRuns: runs });
  expect(judgeTotals(rig, await rig.finish())).toEqual([]);
  writeSync(
    STDERR,
    `seed ${seed}: ${scenarios} scenarios, ${rig.sent.filter(({ step }) => step !== null).length} frames agree\n`,
  );
}
