import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runSchema } from "../../../src/document/run.ts";
import { hostChanges, hostState } from "../host-state.ts";
import { bridgescope, scratch, startOnTerminal } from "./cli.ts";

let folder: ReturnType<typeof scratch>;
beforeEach(() => {
  folder = scratch();
});
afterEach(() => folder.remove());

const CASE = [
  ...["bench", "--topology", "bridge:3", "--workload", "flood", "--duration", "200ms"],
  ...["--latency-sessions", "1"],
];

describe("the host after a run", () => {
  it("is as it was before, and the reports are written", async () => {
    const before = hostState();
    const out = join(folder.path, "out");
    const result = await bridgescope([...CASE, "--rounds", "2", "--out", out, "--json"]);
    expect(result.code).toBe(0);
    expect(await hostChanges(before, 2000)).toEqual({});
    expect(readdirSync(out).sort()).toEqual(["report.html", "report.md", "run.json"]);
    const run = runSchema.parse(JSON.parse(result.stdout));
    expect(run).toEqual(JSON.parse(readFileSync(join(out, "run.json"), "utf8")));
  });

  it("is as it was after Ctrl-C, which keeps the finished rounds", async () => {
    const before = hostState();
    const out = join(folder.path, "out");
    const running = startOnTerminal([...CASE, "--rounds", "30", "--out", out]);
    await running.saw("round 3 of 30, counting");
    running.type("\u0003");
    const result = await running.finished;
    expect(result.code).toBe(130);
    expect(result.stdout).toContain("interrupted");
    expect(await hostChanges(before, 2000)).toEqual({});
    const run = runSchema.parse(JSON.parse(readFileSync(join(out, "run.json"), "utf8")));
    expect(run.state).toBe("interrupted");
    expect(run.cases[0]?.state).toBe("interrupted");
    const rounds = run.cases[0]?.rounds.length ?? 0;
    expect(rounds).toBeGreaterThan(0);
    expect(rounds).toBeLessThan(30);
    expect(run.cases[0]?.bridge?.unaccounted).toBe(0);
  });
});
