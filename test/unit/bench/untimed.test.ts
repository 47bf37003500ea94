import { expect, test } from "vitest";
import { whyUntimed } from "../../../src/bench/bench.ts";
import type { Run } from "../../../src/document/run.ts";
import { completeRun } from "../../fixtures/report/runs.ts";

const on = (change: (environment: Run["environment"]) => void) => {
  const run = completeRun();
  run.environment.clocksource = "tsc";
  change(run.environment);
  return whyUntimed(run);
};

test("stages are timed where the clock can, and else the reason is said", () => {
  expect(on(() => {})).toBeNull();
  expect(on((one) => Object.assign(one, { clock: "icount" }))).toMatch(/counts instructions/);
  expect(on((one) => Object.assign(one, { clocksource: "hpet" }))).toMatch(/hpet does not resolve/);
  for (const model of ["QEMU TCG CPU version 2.5+", "QEMU Virtual CPU version 2.5+"]) {
    expect(on(({ cpu }) => Object.assign(cpu, { model }))).toMatch(/TCG/);
  }
});
