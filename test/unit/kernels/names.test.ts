import { expect, test } from "vitest";
import { distinct } from "../../../src/kernels/bench.ts";

test("two kernels of one name do not share a folder", () => {
  const names = ["own-6.9.0", "debian-sid", "own-6.9.0", "own-6.9.0"];
  expect(distinct(names)).toEqual(["own-6.9.0", "debian-sid", "own-6.9.0-2", "own-6.9.0-3"]);
});
