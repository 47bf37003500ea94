import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareSchema } from "../../../src/document/compare.ts";
import { renderRunJson } from "../../../src/report/exports/json.ts";
import { repeatedRuns } from "../../fixtures/report/repeated.ts";
import { scratch, start } from "./cli.ts";

let folder: ReturnType<typeof scratch>;
const at = (name: string) => join(folder.path, name);

beforeAll(() => {
  folder = scratch();
  store("before", repeatedRuns({ name: "before", runs: 5 }));
  store("slower", repeatedRuns({ name: "slower", runs: 5, ratio: 1.1, seed: 2 }));
});
afterAll(() => folder.remove());

function store(side: string, runs: ReturnType<typeof repeatedRuns>): void {
  for (const run of runs) {
    mkdirSync(join(at(side), run.id), { recursive: true });
    writeFileSync(join(at(side), run.id, "run.json"), renderRunJson(run));
  }
}

describe("the command on stored runs", () => {
  it("ends with 3 for a regression that several runs a side carry, and says of which", async () => {
    const { code, stdout } = await start(["compare", at("before"), `${at("slower")}/*`]).finished;
    expect(stdout.replace(/\s+/g, " ")).toContain("bridge:4/forward ns_per_frame: REGRESSION");
    expect(code).toBe(3);
  });

  it("ends with 0 and says what it would take for one run each", async () => {
    const words = [join(at("before"), "before-0"), join(at("slower"), "slower-0"), "--json"];
    const { code, stdout, stderr } = await start(["compare", ...words]).finished;
    const comparison = compareSchema.parse(JSON.parse(stdout));
    expect(comparison.verdicts.map(({ verdict }) => verdict)).not.toContain("regression");
    expect(comparison.verdicts.some(({ needed }) => (needed?.runs ?? 0) > 1)).toBe(true);
    expect(stderr).toContain("verdicts are inconclusive");
    expect(code).toBe(0);
  });

  it("refuses a document that is cut off in a sentence, with 2 and nothing on stdout", async () => {
    mkdirSync(at("torn"));
    writeFileSync(join(at("torn"), "run.json"), '{"schema": "bridgescope.run/2",');
    const { code, stdout, stderr } = await start(["compare", at("before"), at("torn")]).finished;
    expect(stderr).toMatch(/^bridgescope: .*torn\/run\.json is not JSON.*cut off\)\n$/);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });
});
