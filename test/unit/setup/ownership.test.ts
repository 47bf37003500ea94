import { expect, test } from "vitest";
import { currentOwner, fateOf, parseStartTime } from "../../../src/setup/ownership.ts";

const stat = (name: string, state: string, start: number) =>
  `42 (${name}) ${state} 1 42 42 0 -1 4194560 1 0 0 0 2 3 0 0 20 0 1 0 ${start} 1000 10 18446744073709551615\n`;

test("the start time stands behind a name that may hold anything", () => {
  expect(parseStartTime(stat("node", "S", 777))).toBe(777);
  expect(parseStartTime(stat(") R 1 2 (", "R", 777))).toBe(777);
});

test("a process that ended and was not waited for is gone", () => {
  expect(parseStartTime(stat("node", "Z", 777))).toBeNull();
  expect(parseStartTime(stat("node", "X", 777))).toBeNull();
  expect(parseStartTime("")).toBeNull();
});

test("an owner is its pid, its start and its boot", () => {
  const owner = currentOwner();
  expect(fateOf(owner)).toBe("alive");
  expect(fateOf({ ...owner, startTime: owner.startTime + 1 })).toBe("gone");
  expect(fateOf({ ...owner, pid: 4194305 })).toBe("gone");
  expect(fateOf({ ...owner, bootId: "00000000-0000-4000-8000-000000000000" })).toBe(
    "of another boot",
  );
});
