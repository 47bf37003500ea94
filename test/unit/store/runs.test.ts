import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { isEdited } from "../../../src/document/integrity.ts";
import type { Run } from "../../../src/document/run.ts";
import { compare } from "../../../src/index.ts";
import { renderRunJson } from "../../../src/report/exports/json.ts";
import { FORMATS, formatNamed } from "../../../src/report/formats.ts";
import { compareRuns } from "../../../src/stats/compare/runs.ts";
import { compareStored } from "../../../src/store/compare.ts";
import { readRun, readRuns } from "../../../src/store/runs.ts";
import { UsageError } from "../../../src/system/errors.ts";
import { bookwormRun, trixieRun } from "../../fixtures/report/kernels.ts";
import { pairedRuns } from "../../fixtures/report/paired.ts";
import { repeatedRuns } from "../../fixtures/report/repeated.ts";
import { completeRun } from "../../fixtures/report/runs.ts";

const folder = mkdtempSync(join(tmpdir(), "bridgescope-stored-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const store = (path: string, run: Run) => write(path, renderRunJson(run));
const refusal = (path: string): string => {
  try {
    readRun(path);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return "none";
};

describe("a document that cannot be used is named and refused", () => {
  const whole = renderRunJson(completeRun());

  test("of another version", () => {
    const file = write("next.json", whole.replace("bridgescope.run/2", "bridgescope.run/1"));
    expect(refusal(file)).toBe(
      `${file} is a document of "bridgescope.run/1", and this version reads bridgescope.run/2: measure it again, or read it with the version that wrote it`,
    );
  });

  test("a comparison in place of a run", () => {
    const text = JSON.stringify(compareRuns(completeRun(), completeRun()));
    expect(refusal(write("compared.json", text))).toContain('of "bridgescope.compare/1"');
  });

  test("truncated", () => {
    const file = write("cut.json", whole.slice(0, whole.length / 2));
    expect(refusal(file)).toMatch(/cut\.json is not JSON.*may be cut off/);
  });

  test("empty", () => {
    expect(refusal(write("empty.json", ""))).toMatch(/empty\.json is not JSON/);
  });

  test.each(["NaN", "Infinity", "null", '"12"', "1e999"])("with the sample %s", (value) => {
    const text = whole.replace(/("samples": \[\s*)[\d.]+/, `$1${value}`);
    expect(text).not.toBe(whole);
    expect(refusal(write("sample.json", text))).toMatch(
      /sample\.json is (not JSON|no run document of this version: at cases\.\d+\.metrics\..+samples\.0)/,
    );
  });

  test("with a case twice", () => {
    const { cases } = completeRun();
    const file = store("twice.json", { ...completeRun(), cases: [...cases, ...cases] });
    expect(refusal(file)).toContain("has the case netns/udp-rr twice");
  });

  test("a path where nothing is", () => {
    expect(refusal(join(folder, "nowhere"))).toMatch(/no run at .*nowhere: expected a run\.json/);
  });
});

describe("the checksum", () => {
  test("what was written is not edited, however it is laid out, and stays so when printed again", () => {
    for (const run of [completeRun(), bookwormRun(), ...pairedRuns({ ratios: [1.1] })]) {
      const file = store("sealed.json", run);
      expect(isEdited(readRun(file))).toBe(false);
      const { cases, ...rest } = JSON.parse(renderRunJson(run));
      const turned = write("turned.json", JSON.stringify({ cases, ...rest }));
      expect(isEdited(readRun(turned))).toBe(false);
      const again = write("again.json", renderRunJson(readRun(file)));
      expect(readRun(again).integrity).toBe(readRun(file).integrity);
    }
  });

  test("one sample changed is told, by every format and in every comparison", () => {
    const text = renderRunJson(completeRun()).replace(/("samples": \[\s*)[\d.]+/, "$112345");
    const file = write("edited.json", text);
    const run = readRun(file);
    expect(isEdited(run)).toBe(true);
    expect(isEdited(readRun(write("printed.json", renderRunJson(run))))).toBe(true);
    for (const name of ["terminal", "markdown", "html", "commit"]) {
      const said = formatNamed(name)?.render(run).replace(/\s+/g, " ");
      expect(said).toContain("changed after it was written");
    }
    const warned = compareRuns(completeRun(), { ...run, id: "edited" }).warnings;
    expect(warned.join()).toContain("The document of edited was changed after it was written");
    expect(FORMATS.length).toBeGreaterThan(4);
  });

  test("a document of before there were checksums is as it is", () => {
    const file = write("old.json", JSON.stringify(completeRun()));
    expect(readRun(file).integrity).toBeUndefined();
    expect(isEdited(readRun(file))).toBe(false);
  });
});

describe("several runs of one side", () => {
  const olds = repeatedRuns({ name: "old", runs: 3 });
  const news = repeatedRuns({ name: "new", runs: 3, seed: 2, ratio: 1.3 });
  for (const run of olds) store(`old/${run.id}/run.json`, run);
  for (const run of news) store(`new/${run.id}/run.json`, run);
  symlinkSync("new-2", join(folder, "new", "latest"));
  const ids = (path: string) => readRuns(join(folder, path)).runs.map(({ id }) => id);

  test("by a folder of their folders, or a pattern; one that is named twice is one", () => {
    expect(ids("old")).toEqual(["old-0", "old-1", "old-2"]);
    expect(ids("old/")).toEqual(["old-0", "old-1", "old-2"]);
    expect(ids("new")).toEqual(["new-0", "new-1", "new-2"]);
    expect(ids("new/*-[01]")).toEqual(["new-0", "new-1"]);
    expect(ids("{old,new}/*-1/run.json")).toEqual(["new-1", "old-1"]);
    expect(ids("old/old-1")).toEqual(["old-1"]);
  });

  test("a folder whose name looks like a pattern is a folder", () => {
    for (const run of olds) store(`[ab]*/${run.id}/run.json`, run);
    expect(ids("[ab]*")).toEqual(["old-0", "old-1", "old-2"]);
  });

  test("are compared from paths, by the library as well", async () => {
    const [old, young] = [join(folder, "old"), join(folder, "new", "*")];
    const found = compareStored(old, [young]);
    expect(found.verdicts.find(({ metric }) => metric === "ns_per_frame")).toMatchObject({
      verdict: "regression",
      base: old,
      candidate: young,
    });
    expect((await compare(olds, news)).verdicts.map(({ verdict }) => verdict)).toEqual(
      found.verdicts.map(({ verdict }) => verdict),
    );
    expect((await compare(old, news, { margin: 0.9 })).verdicts.map((one) => one.margin)).toContain(
      0.9,
    );
  });

  test("of two kernels, two clocks, or both sides of one session, are no side", () => {
    store("mixed/a/run.json", bookwormRun());
    store("mixed/b/run.json", trixieRun());
    expect(() => readRuns(join(folder, "mixed"))).toThrow(/runs of different kinds.*6\.1.*6\.12/);
    const [base, candidate] = pairedRuns({ ratios: [1.1] });
    store("vs/base/run.json", base);
    store("vs/candidate/run.json", candidate);
    expect(() => readRuns(join(folder, "vs"))).toThrow(
      /base of bench --vs.*candidate of bench --vs/,
    );
    expect(
      compareStored(join(folder, "vs/base"), [join(folder, "vs/candidate")]).sessions,
    ).toHaveLength(1);
  });

  test("one run that is there twice", () => {
    store("double/a/run.json", completeRun());
    store("double/b/run.json", completeRun());
    expect(() => readRuns(join(folder, "double"))).toThrow(/holds two documents of the run/);
  });

  test("no run at all, or a document among them that cannot be used", () => {
    mkdirSync(join(folder, "bare"));
    expect(() => readRuns(join(folder, "bare"))).toThrow(/no run at .*bare: expected/);
    expect(() => readRuns(join(folder, "none/*"))).toThrow(/no run at .*none\/\*: expected/);
    store("torn/a/run.json", completeRun());
    write("torn/b/run.json", "{");
    expect(() => readRuns(join(folder, "torn"))).toThrow(/torn\/b\/run\.json is not JSON/);
  });
});

test("no common case is refused, with what either side has", () => {
  const [one] = repeatedRuns({ name: "one", runs: 1 });
  const other = completeRun();
  if (one === undefined) throw new Error("fixture");
  other.cases = other.cases.slice(0, 1);
  expect(() => compareStored(one, [other])).toThrow(
    "no case is in both: base has bridge:4/forward, and candidate has netns/udp-rr",
  );
});
