import { writeSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { setThreadCpus, threadCpus } from "../../../src/system/libc.ts";
import { arbitraryScenario } from "../../model/arbitrary.ts";
import { prefixOf } from "./addresses.ts";
import { play } from "./play.ts";
import { openRig, PORTS, type Rig } from "./rig.ts";
import { judgeTotals } from "./verdict.ts";

const SEED = Number(process.env.BRIDGESCOPE_SEED ?? 20_261_123);
const RUNS = Number(process.env.BRIDGESCOPE_RUNS ?? 120);
const STDERR = 2;

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
});
afterAll(() => rig?.close());

test("probes, counters and wires tell of every frame what the model tells", async () => {
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
  await fc.assert(property, { seed: SEED, numRuns: RUNS });
  expect(judgeTotals(rig, await rig.finish())).toEqual([]);
  writeSync(
    STDERR,
    `seed ${SEED}: ${scenarios} scenarios, ${rig.sent.filter(({ step }) => step !== null).length} frames agree\n`,
  );
}, 600_000);
