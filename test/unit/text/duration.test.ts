import { expect, test } from "vitest";
import { parseDuration } from "../../../src/text/duration.ts";

test.each([
  ["1", 1e9],
  ["1s", 1e9],
  ["0.5", 5e8],
  ["500ms", 5e8],
  ["1.5ms", 1.5e6],
  ["20us", 2e4],
  ["7ns", 7],
  ["2m", 120e9],
  ["0", 0],
])("%s is %i ns", (text, ns) => {
  expect(parseDuration(text)).toBe(ns);
});

test.each(["", "s", "-1", "1 s", "1h", "1e3", ".5", "1.", "1S", "1ms2", "constructor"])(
  "%j is no duration",
  (text) => {
    expect(parseDuration(text)).toBeNull();
  },
);
