import { describe, expect, test } from "vitest";
import { renderTerminal } from "../../../src/report/terminal/run.ts";
import { columns } from "../../../src/text/layout.ts";
import { bookwormRun, tcgRun } from "../../fixtures/report/kernels.ts";
import {
  brokenRun,
  completeRun,
  hostileRun,
  interruptedRun,
  largeRun,
} from "../../fixtures/report/runs.ts";

const RUNS = [
  completeRun(),
  interruptedRun(),
  brokenRun(),
  hostileRun(),
  largeRun(12),
  bookwormRun(),
  tcgRun(),
];

describe.each([60, 80, 132])("at %i columns", (width) => {
  test("no line is wider", () => {
    for (const run of RUNS) {
      const text = renderTerminal(run, { color: false, width });
      expect(text.split("\n").filter((line) => columns(line) > width)).toEqual([]);
    }
  });
});

test("what is too narrow to read counts as 60", () => {
  const run = completeRun();
  expect(renderTerminal(run, { color: false, width: 10 })).toBe(
    renderTerminal(run, { color: false, width: 60 }),
  );
});

test("colour only when asked", () => {
  expect(renderTerminal(brokenRun(), { color: false, width: 80 })).not.toContain("\x1b");
  expect(renderTerminal(brokenRun(), { color: true, width: 80 })).toContain("\x1b[1;31m!! UNBAL");
});

test("wide characters count for two columns", () => {
  const run = completeRun();
  const [first] = run.cases;
  if (first !== undefined) first.id = "橋接器/".repeat(20);
  const text = renderTerminal(run, { color: false, width: 80 });
  expect(text.split("\n").filter((line) => columns(line) > 80)).toEqual([]);
});
