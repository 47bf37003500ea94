import { expect, test } from "vitest";
import { checkSchema } from "../../../src/document/run.ts";
import { runLadder } from "../../../src/setup/checks/index.ts";
import { failed, leftovers } from "./support.ts";

test("the whole ladder passes, fits the run document and leaves nothing", async () => {
  const checks = await runLadder();
  expect(failed(checks)).toEqual([]);
  expect(() => checks.map((check) => checkSchema.parse(check))).not.toThrow();
  expect(new Set(checks.map((check) => check.id)).size).toBe(checks.length);
  expect(new Set(checks.map((check) => check.id.split("/")[0]))).toEqual(
    new Set(["netns", "veth", "bridge"]),
  );
  expect(await leftovers()).toEqual([]);
});
