import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readStored } from "../../../src/store/documents.ts";
import { floodingExplanation } from "../../fixtures/report/explanations.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bridgescope-documents-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function stored(document: object): string {
  const path = join(folder, "explain.json");
  writeFileSync(path, JSON.stringify(document));
  return path;
}

it("reads an explanation back, by its file and by the folder", () => {
  const document = floodingExplanation();
  expect(readStored(stored(document))).toEqual(document);
  expect(readStored(folder)).toEqual(document);
});

it("names the version of one that it does not read, and what to do", () => {
  const path = stored({ ...floodingExplanation(), schema: "bridgescope.explain/1" });
  expect(() => readStored(path)).toThrow(
    `${path} is bridgescope.explain/1, and this version reads bridgescope.explain/2; explain the bridge again`,
  );
});

it("leaves what is none of ours to others", () => {
  expect(readStored(stored({ schema: "somebody.else/1" }))).toBeNull();
});
