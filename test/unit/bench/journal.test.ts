import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { FileJournal } from "../../../src/bench/journal/journal.ts";
import { JOURNAL_SCHEMA, type JournalHead } from "../../../src/bench/journal/line.ts";
import { readJournal } from "../../../src/bench/journal/read.ts";
import type { Round, Run } from "../../../src/document/run.ts";
import { UsageError } from "../../../src/system/errors.ts";
import { completeRun } from "../../fixtures/report/runs.ts";

const folder = mkdtempSync(join(tmpdir(), "bridgescope-journal-"));
afterAll(() => rmSync(folder, { recursive: true }));

const run: Run = completeRun();
const [first, second] = run.cases;
if (first === undefined || second === undefined) throw new Error("the fixture has two cases");

const head: JournalHead = {
  ...{ schema: JOURNAL_SCHEMA, of: "plan", plan: null, request: { topology: ["veth"] }, steps: [] },
  run: { ...run, cases: [], checks: [] },
};
const round = (index: number, side: string): Round => ({
  ...{ index, side, startNs: index, durationNs: 1, cpu: null, steal: null, discarded: null },
});
const begun = (id: string) => ({ id, attempt: 1, discarded: [], warnings: [] });

/** A run whose second case was in hand, three rounds behind the reading of its probes. */
function written(): string {
  const path = join(folder, "journal.ndjson");
  const fd = openSync(path, "w");
  const journal = new FileJournal(fd, () => {}, 5);
  const measured = { metrics: { rtt_p50: 7 }, cpu: null };
  journal.head(head);
  journal.checks([]);
  journal.begun(begun("one"));
  journal.round(round(1, "base"), measured);
  journal.finished(first as Run["cases"][number]);
  journal.begun(begun("two"));
  journal.round(round(1, "on"), measured);
  journal.observed(second as Run["cases"][number]);
  for (const index of [2, 3, 4]) journal.round(round(index, "off"), measured);
  closeSync(fd);
  return readFileSync(path, "utf8");
}

describe("what a journal gives back", () => {
  const text = written();

  it("is all that was entered, case by case", () => {
    const { finished, inHand, checks, elapsedNs, wholeBytes } = readJournal(text, "j");
    expect(finished).toEqual([first]);
    expect(checks).toEqual([]);
    expect(inHand?.id).toBe("two");
    expect(inHand?.observed).toEqual(second);
    expect(inHand?.unread).toEqual([]);
    expect(inHand?.rounds.map((one) => one.round.index)).toEqual([2, 3, 4]);
    expect(elapsedNs).toBeGreaterThan(5);
    expect(wholeBytes).toBe(Buffer.byteLength(text));
  });

  it("says of rounds whose probes were never read that they do not count", () => {
    const cut = text.slice(0, text.indexOf('{"observed"'));
    const { inHand } = readJournal(cut, "j");
    expect(inHand?.rounds).toEqual([]);
    expect(inHand?.unread).toMatchObject([{ index: 1, discarded: expect.stringContaining("cut") }]);
  });

  it("is a beginning of it wherever the text is cut", () => {
    const whole = text.split("\n").length - 1;
    fc.assert(
      fc.property(fc.nat(text.length), (at) => {
        const cut = text.slice(0, at);
        const lines = cut.split("\n").length - 1;
        if (lines === 0) {
          expect(() => readJournal(cut, "j")).toThrow(UsageError);
          return;
        }
        const { wholeBytes } = readJournal(cut, "j");
        expect(wholeBytes).toBe(Buffer.byteLength(cut.slice(0, cut.lastIndexOf("\n") + 1)));
        expect(lines).toBeLessThanOrEqual(whole);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ["a line that is no JSON", (lines: string[]) => lines.toSpliced(2, 0, "{"), "line 3, is not"],
    ["a round of no case", (lines: string[]) => lines.toSpliced(2, 1), "none had begun"],
    [
      "a value of another kind",
      (lines: string[]) => [...lines, '{"finished":7,"elapsedNs":1}'],
      "line 12",
    ],
    ["nothing at all", () => [], "line 1"],
  ])("is refused for %s", (_, edit, said) => {
    const lines = edit(text.split("\n").slice(0, -1));
    const edited = lines.map((line) => `${line}\n`).join("");
    expect(() => readJournal(edited, "j")).toThrow(UsageError);
    expect(() => readJournal(edited, "j")).toThrow(said);
  });
});

it("a disk that is full is told once, and the run goes on", () => {
  const fd = openSync("/dev/full", "w");
  const told: string[] = [];
  const journal = new FileJournal(fd, (sentence) => told.push(sentence));
  journal.head(head);
  journal.checks([]);
  journal.close();
  expect(told).toEqual([expect.stringContaining("ENOSPC")]);
});
