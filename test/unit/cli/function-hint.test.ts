import { describe, expect, test } from "vitest";
import { planFor } from "../../../src/bench/plan/request.ts";
import { functionHint } from "../../../src/cli/function-hint.ts";
import type { Run } from "../../../src/document/run.ts";
import { completeRun } from "../../fixtures/report/runs.ts";

const { plan } = planFor(undefined, {
  topology: ["bridge:8"],
  workload: ["flood"],
  frameSize: 512,
});

function runBy(backend: "tracepoint" | "fentry"): Run {
  const run = completeRun();
  for (const one of run.cases) if (one.probe !== undefined) one.probe.backend = backend;
  return run;
}

describe("where auto had to take tracepoints", () => {
  test("the same case on a kernel that has function probes is a command", () => {
    expect(functionHint(plan, runBy("tracepoint"))?.split("\n").at(-1)).toMatch(
      / bench --kernel debian:bookworm --topology bridge:8 --workload flood --frame-size 512$/,
    );
  });

  test("nothing is said where functions were probed, or tracepoints asked for", () => {
    expect(functionHint(plan, runBy("fentry"))).toBeNull();
    expect(functionHint({ ...plan, backend: "tracepoint" }, runBy("tracepoint"))).toBeNull();
  });

  test("nothing is said where no case has a bridge", () => {
    const veth = planFor(undefined, { topology: ["veth"], workload: ["forward"] }).plan;
    expect(functionHint(veth, runBy("tracepoint"))).toBeNull();
  });
});
