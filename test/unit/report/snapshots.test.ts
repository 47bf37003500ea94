import { describe, expect, test } from "vitest";
import { sealed } from "../../../src/document/integrity.ts";
import { runSchema } from "../../../src/document/run.ts";
import { FORMATS, formatNamed } from "../../../src/report/formats.ts";
import { bookwormRun, tcgRun } from "../../fixtures/report/kernels.ts";
import { brokenRun, completeRun, hostileRun, interruptedRun } from "../../fixtures/report/runs.ts";

const RUNS = {
  complete: completeRun(),
  interrupted: interruptedRun(),
  broken: brokenRun(),
  hostile: hostileRun(),
  counted: bookwormRun(),
  tcg: tcgRun(),
};
const SNAPSHOTS = "../../fixtures/report/snapshots";

describe.each(Object.entries(RUNS))("%s run", (name, run) => {
  test.each([
    "terminal",
    "markdown",
    "html",
    "commit",
    "gobench",
    "benchmark-json",
    "benchmark-json-bigger",
  ])("%s", async (format) => {
    const { fileName, render } = formatNamed(format) ?? expect.fail(format);
    await expect(withoutDocument(render(run))).toMatchFileSnapshot(
      `${SNAPSHOTS}/${name}.${fileName}`,
    );
  });
});

test("json is the document and nothing else", () => {
  const text = formatNamed("json")?.render(RUNS.complete) ?? "";
  expect(runSchema.parse(JSON.parse(text))).toEqual(sealed(RUNS.complete));
  expect(text.slice(0, 57)).toMatchInlineSnapshot(`
    "{
      "schema": "bridgescope.run/2",
      "id": "20261123T2114"
  `);
});

test("formats have names and file names of their own", () => {
  expect(FORMATS.map((format) => `${format.name} ${format.fileName}`)).toMatchInlineSnapshot(`
    [
      "html report.html",
      "markdown report.md",
      "json run.json",
      "commit report.commit.txt",
      "terminal report.txt",
      "gobench bench.txt",
      "benchmark-json benchmark.json",
      "benchmark-json-bigger benchmark-bigger.json",
    ]
  `);
  expect(formatNamed("pdf")).toBeUndefined();
});

// The embedded document says what run.json says, and its packing may differ with Node's zlib.
function withoutDocument(text: string): string {
  return text.replace(/<section id="document".*<\/section>/s, '<section id="document"></section>');
}
