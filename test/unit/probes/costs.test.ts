import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface Table {
  programs: Record<string, string>;
  costs: { file: string; programs: unknown[] }[];
}

const table: Table = JSON.parse(readFileSync("docs/probe-costs.json", "utf8"));
const files = readdirSync("src/probes", { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".bt"))
  .sort();

// A program that is changed has to be measured again: npm run bench:probes.
test.each(files)("%s is the program whose cost docs/probe-costs.json has", (file) => {
  const text = readFileSync(`src/probes/${file}`);
  expect(table.programs[file]).toBe(createHash("sha256").update(text).digest("hex"));
  expect(table.costs.filter((one) => one.file === file)).not.toEqual([]);
});
