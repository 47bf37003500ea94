import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { programChecksum, programFiles, readProgram } from "../../../src/probes/include.ts";

interface Table {
  programs: Record<string, string>;
  costs: { file: string; programs: unknown[] }[];
}

const table: Table = JSON.parse(readFileSync("docs/probe-costs.json", "utf8"));

// A program that is changed has to be measured again: npm run bench:probes.
test.each(programFiles("src/probes"))(
  "%s is the program whose cost docs/probe-costs.json has",
  (file) => {
    expect(table.programs[file]).toBe(programChecksum(readProgram("src/probes", file)));
    expect(table.costs.filter((one) => one.file === file)).not.toEqual([]);
  },
);
