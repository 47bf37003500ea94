import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import type { RunEvent } from "../../../src/document/event.ts";
import type { Run } from "../../../src/document/run.ts";
import {
  checkResumable,
  Journal,
  type JournalHead,
  openJournal,
  readJournal,
  reopenJournal,
} from "../../../src/store/journal.ts";
import { UsageError } from "../../../src/system/errors.ts";
import { version } from "../../../src/system/version.ts";
import { completeRun } from "../../fixtures/report/runs.ts";

const folder = mkdtempSync(join(tmpdir(), "bridgescope-journal-"));
afterAll(() => rmSync(folder, { recursive: true }));

const run: Run = { ...completeRun(), cases: [], checks: [] };
run.provenance.version = version;
const head: Omit<JournalHead, "schema"> = {
  ...{ mode: "host", plan: null, request: { topology: ["veth"], bisect: true } },
  ...{ steps: [{ id: "veth/ping", rounds: 4, durationNs: 1 }], run },
};
const reading = {
  ...{ cpu: null, squeezed: 0, softnetDrops: 1, involuntarySwitches: 0, pressureUs: null, atNs: 7 },
};
const events: RunEvent[] = [
  { act: "check", at: 1, checks: [] },
  { act: "begin", at: 2, id: "veth/ping" },
  {
    ...{ act: "measure", at: 3 },
    rounds: [
      {
        ...{ driver: "case", side: "off", startNs: 1, durationNs: 1 },
        ...{ before: reading, after: reading, measured: { metrics: { rtt_p50: 7 }, cpu: null } },
      },
    ],
  },
  { act: "fail", at: 4, error: "ping exited with 3", tool: "ping", exitCode: 1 },
  { act: "end", at: 5 },
];

function written(): string {
  const journal = openJournal(folder, () => {});
  journal.head(head);
  for (const event of events) journal.enter(event);
  journal.close();
  const text = readFileSync(journal.path, "utf8");
  rmSync(journal.path);
  return text;
}

describe("what a journal gives back", () => {
  const text = written();

  it("is all that was entered", () => {
    const stored = readJournal(text, "j");
    expect(stored.events).toEqual(events);
    expect(stored.head).toMatchObject(head);
    expect(stored.wholeBytes).toBe(Buffer.byteLength(text));
  });

  it("is a beginning of it wherever the text is cut", () => {
    fc.assert(
      fc.property(fc.nat(text.length), (at) => {
        const cut = text.slice(0, at);
        const lines = cut.split("\n").length - 1;
        if (lines === 0) {
          expect(() => readJournal(cut, "j")).toThrow(UsageError);
          return;
        }
        const stored = readJournal(cut, "j");
        expect(stored.wholeBytes).toBe(Buffer.byteLength(cut.slice(0, cut.lastIndexOf("\n") + 1)));
        expect(stored.events).toEqual(events.slice(0, lines - 1));
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ["a line that is no JSON", (lines: string[]) => lines.toSpliced(2, 0, "{"), "line 3, is not"],
    ["no head", (lines: string[]) => lines.slice(1), "line 1"],
    [
      "a value of another kind",
      (lines: string[]) => [...lines, '{"act":"begin","id":7,"at":1}'],
      "line 7",
    ],
    ["an unknown event", (lines: string[]) => [...lines, '{"act":"jump","at":1}'], "line 7"],
    ["nothing at all", () => [], "line 1"],
  ])("is refused for %s", (_, edit, said) => {
    const lines = edit(text.split("\n").slice(0, -1));
    const edited = lines.map((line) => `${line}\n`).join("");
    expect(() => readJournal(edited, "j")).toThrow(UsageError);
    expect(() => readJournal(edited, "j")).toThrow(said);
  });

  it("goes on behind its last whole line", () => {
    const journal = openJournal(folder, () => {});
    journal.head(head);
    journal.close();
    const cut = `${readFileSync(journal.path, "utf8")}{"act":"beg`;
    const stored = { ...readJournal(cut, journal.path) };
    const again = reopenJournal(stored, () => {});
    for (const event of events) again.enter(event);
    again.close();
    expect(readJournal(readFileSync(journal.path, "utf8"), "j").events).toEqual(events);
  });
});

describe("a run is resumed", () => {
  const stored = readJournal(written(), "j");
  const { kernel } = run.environment;

  it("by the same version on the same kernel with the same steps, and not otherwise", () => {
    expect(() => checkResumable(stored, head.steps, kernel)).not.toThrow();
    expect(() => checkResumable(stored, head.steps, { ...kernel, release: "5.4.0" })).toThrow(
      "this is Linux 5.4.0",
    );
    expect(() => checkResumable(stored, [], kernel)).toThrow("something else");
    const old = structuredClone(stored);
    old.head.run.provenance.version = "0.0.1";
    expect(() => checkResumable(old, head.steps, kernel)).toThrow("begun by bridgescope 0.0.1");
  });
});

it("a disk that is full is told once, and the run goes on", () => {
  const fd = openSync("/dev/full", "w");
  const told: string[] = [];
  const journal = new Journal("/dev/full", fd, (sentence) => told.push(sentence));
  journal.head(head);
  for (const event of events) journal.enter(event);
  journal.close();
  expect(told).toEqual([expect.stringContaining("ENOSPC")]);
});
