import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { exitStatus, marginOf } from "../../../src/cli/compare.ts";
import { renderComparison } from "../../../src/report/comparison.ts";
import { renderJson } from "../../../src/report/exports/json.ts";
import { compareRuns } from "../../../src/stats/compare/runs.ts";
import { readStored } from "../../../src/store/documents.ts";
import { UsageError } from "../../../src/system/errors.ts";
import { bookwormRun, trixieRun } from "../../fixtures/report/kernels.ts";

const comparison = compareRuns(bookwormRun(), trixieRun());
const folder = mkdtempSync(join(tmpdir(), "bridgescope-compare-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("--margin", () => {
  test.each([
    ["2%", 0.02],
    ["0.2 %", 0.002],
    ["0.02", 0.02],
    ["0", 0],
  ])("%s", (text, share) => {
    expect(marginOf(text)).toBeCloseTo(share, 12);
  });

  test.each(["2", "-1%", "100%", "two", "", "0x1"])("refuses %s", (text) => {
    expect(() => marginOf(text)).toThrow(UsageError);
  });
});

test("the exit status is 3 for a regression alone", () => {
  expect(exitStatus(comparison)).toBe(3);
  expect(exitStatus(compareRuns(bookwormRun(), bookwormRun()))).toBe(0);
});

test("a comparison is found as a file and in its folder; a run is left to its own reader", () => {
  const file = join(folder, "compare.json");
  writeFileSync(file, renderComparison("json", comparison));
  expect(readStored(file)).toEqual(comparison);
  expect(readStored(folder)).toEqual(comparison);
  const run = join(folder, "run.json");
  writeFileSync(run, renderJson(bookwormRun()));
  expect(readStored(run)).toBeNull();
  expect(readStored(folder)).toBeNull();
  expect(readStored(join(folder, "nowhere"))).toBeNull();
});

test("a comparison that is not whole is refused in a sentence", () => {
  const file = join(folder, "half.json");
  writeFileSync(file, JSON.stringify({ schema: "bridgescope.compare/1" }));
  expect(() => readStored(file)).toThrow(/not a comparison of this version: at clock/);
});
