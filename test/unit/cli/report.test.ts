import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { program } from "../../../src/cli/program.ts";
import { renderJson } from "../../../src/report/exports/json.ts";
import { compareRuns } from "../../../src/stats/compare/runs.ts";
import { BridgescopeError, UsageError } from "../../../src/system/errors.ts";
import { bookwormRun, tcgRun, trixieRun } from "../../fixtures/report/kernels.ts";
import { completeRun } from "../../fixtures/report/runs.ts";

let folder = "";
let said = { out: "", err: "" };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bridgescope-report-"));
  said = { out: "", err: "" };
  const keep = (name: "out" | "err") => (text: string | Uint8Array) => {
    said[name] += String(text);
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(keep("out"));
  vi.spyOn(process.stderr, "write").mockImplementation(keep("err"));
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

async function report(document: object, format: string): Promise<void> {
  const path = join(folder, "document.json");
  writeFileSync(path, renderJson(document));
  const words = ["report", path, "--format", format];
  await (await program(words)).parseAsync(words, { from: "user" });
}

test("benchmark-json says where the other direction is, and stdout stays JSON", async () => {
  await report(completeRun(), "benchmark-json");
  expect(JSON.parse(said.out).length).toBeGreaterThan(0);
  expect(said.err).toContain("--format benchmark-json-bigger has the metrics");
});

test("benchmark-json of a run that has one direction says nothing", async () => {
  await report(bookwormRun(), "benchmark-json");
  expect(said.err).toBe("");
});

test.each([
  [tcgRun(), "benchmark-json"],
  [bookwormRun(), "benchmark-json-bigger"],
])("an export without a metric is refused", async (run, format) => {
  await expect(report(run, format)).rejects.toThrow(BridgescopeError);
  expect(said.out).toBe("");
});

test.each(["gobench", "benchmark-json", "benchmark-json-bigger"])(
  "%s of a comparison is refused with what it has",
  async (format) => {
    const compared = compareRuns(bookwormRun(), trixieRun());
    await expect(report(compared, format)).rejects.toThrow(UsageError);
    await expect(report(compared, format)).rejects.toThrow(/html, markdown, json.*one of its runs/);
  },
);
