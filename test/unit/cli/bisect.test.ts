import { expect, test } from "vitest";
import { bisectStatus } from "../../../src/cli/bisect.ts";
import type { Verdict } from "../../../src/document/compare.ts";
import { compareRuns } from "../../../src/stats/compare/runs.ts";
import { bookwormRun, trixieRun } from "../../fixtures/report/kernels.ts";

const [like] = compareRuns(bookwormRun(), trixieRun()).verdicts;
if (like === undefined) throw new Error("the fixture has no verdicts");

const verdicts = (...said: [metric: string, verdict: Verdict["verdict"]][]) => ({
  verdicts: said.map(([metric, verdict]) => ({ ...like, metric, verdict })),
});

test("a stage that regressed makes a commit bad, whatever else is not known", () => {
  const said = verdicts(["veth.in", "inconclusive"], ["bridge.flood", "regression"]);
  expect(bisectStatus(said)).toBe(1);
});

test("a commit is good when all stages are known not to be worse", () => {
  expect(bisectStatus(verdicts(["veth.in", "unchanged"], ["bridge.flood", "improvement"]))).toBe(0);
});

test("what cannot be told is skipped", () => {
  expect(bisectStatus(verdicts(["veth.in", "unchanged"], ["bridge.flood", "inconclusive"]))).toBe(
    125,
  );
  expect(bisectStatus(verdicts())).toBe(125);
});

test("the sender's own instructions decide only where there are no stages", () => {
  const sender = (verdict: Verdict["verdict"]): [string, Verdict["verdict"]] => [
    "instructions_per_frame",
    verdict,
  ];
  expect(bisectStatus(verdicts(["veth.in", "unchanged"], sender("inconclusive")))).toBe(0);
  expect(bisectStatus(verdicts(["veth.in", "unchanged"], sender("regression")))).toBe(0);
  expect(bisectStatus(verdicts(sender("regression")))).toBe(1);
});
