import { describe, expect, test } from "vitest";
import {
  BRIDGE_OPTIONS,
  bridgeOption,
  flag,
  PORT_OPTIONS,
  portOption,
} from "../../../src/setup/options.ts";

/** A value that each kind of option takes, with what ip wants to read. */
function sample(expects: string): [string, string[]] {
  if (expects === "0 or 1") return ["1", ["1", "on"]];
  if (expects.startsWith("a duration")) return ["2s", ["200"]];
  const high = / to (\d+)$/.exec(expects)?.[1] ?? "";
  return [high, [high]];
}

describe.each([
  ["bridge", BRIDGE_OPTIONS, bridgeOption],
  ["port", PORT_OPTIONS, portOption],
] as const)("%s options", (what, table, read) => {
  test.each(Object.entries(table))("%s", (name, { expects }) => {
    const [value, words] = sample(expects);
    expect(words).toContain(read(name, value));
    expect(() => read(name, "x")).toThrow(`${name} expects ${expects}, not "x"`);
    expect(() => read(name, "")).toThrow(/expects/);
    expect(() => read(name, "-1")).toThrow(/expects/);
  });

  test("unknown ones are answered with the known", () => {
    for (const name of ["nope", "__proto__", "toString"]) {
      expect(() => read(name, "1")).toThrow(
        `unknown ${what} option "${name}"; known are ${Object.keys(table).join(", ")}`,
      );
    }
  });
});

test("switches of a port are words for ip, those of a bridge numbers", () => {
  expect(portOption("isolated", "1")).toBe("on");
  expect(portOption("learning", "0")).toBe("off");
  expect(bridgeOption("stp_state", "0")).toBe("0");
});

test("a flag is 0 or 1", () => {
  expect([flag("ipv6", "0"), flag("ipv6", "1")]).toEqual([false, true]);
  expect(() => flag("ipv6", "true")).toThrow('ipv6 expects 0 or 1, not "true"');
});
