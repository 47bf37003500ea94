import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PLAN_NAMES } from "../../../src/bench/plan/named-plans.ts";
import { WORKLOADS } from "../../../src/bench/workloads/index.ts";

const page = readFileSync("docs/load.md", "utf8");

describe("docs/load.md", () => {
  it.each(WORKLOADS.map(({ name }) => name))("has the workload %s in a table", (name) => {
    expect(page).toMatch(new RegExp(`^\\| \`${name}\` `, "m"));
  });

  it.each([...PLAN_NAMES])("names the plan %s", (name) => {
    expect(page).toContain(`\`${name}\``);
  });
});
