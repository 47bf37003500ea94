import { describe, expect, it } from "vitest";
import { parseCommand, parseForeign } from "../../../src/setup/foreign.ts";
import { isForeign } from "../../../src/setup/spec.ts";
import { parseTopology } from "../../../src/setup/topology.ts";
import { UsageError } from "../../../src/system/errors.ts";

const COMMANDS = { setup: ["connect"], teardown: null };

describe("parseForeign", () => {
  it("leaves topologies of our own to others, and files that are called like it", () => {
    for (const text of ["bridge:2", "veth", "external.yaml", "attached.yml", "externals"]) {
      expect(parseForeign(text, COMMANDS)).toBeNull();
    }
    expect(isForeign(parseTopology("bridge:2"))).toBe(false);
  });

  it("gives both two hosts of which nothing is known yet", () => {
    for (const text of ["external", "attach:a,b"]) {
      const spec = parseForeign(text, COMMANDS);
      expect(spec?.label).toBe(text);
      expect(spec?.bridge).toBeNull();
      expect(spec?.hosts.map(({ name, address }) => [name, address])).toEqual([
        ["h1", null],
        ["h2", null],
      ]);
      expect(spec !== null && isForeign(spec)).toBe(true);
    }
  });

  it("keeps the commands, and the ends in their order", () => {
    expect(parseForeign("external", COMMANDS)).toMatchObject({ commands: COMMANDS });
    expect(parseForeign("attach:/run/netns/b,12", null)).toMatchObject({
      ends: ["/run/netns/b", "12"],
    });
  });

  it.each([
    "attach",
    "attach:",
    "attach:a",
    "attach:a,",
    "attach:,b",
    "attach:a,b,mtu=9",
    "attach,a,b",
  ])("refuses %s", (text) => {
    expect(() => parseForeign(text, null)).toThrow(UsageError);
    expect(() => parseForeign(text, null)).toThrow(/attach expects two namespaces/);
  });

  it("refuses external without a command, and with options", () => {
    expect(() => parseForeign("external", null)).toThrow(/external needs the command/);
    expect(() => parseForeign("external,mtu=9000", COMMANDS)).toThrow(/takes no options/);
    expect(() => parseForeign("external:2", COMMANDS)).toThrow(/takes no options/);
  });
});

describe("parseCommand", () => {
  it("takes JSON from the command line and an array from the library", () => {
    expect(parseCommand("--setup", '["a b","", "$c"]')).toEqual(["a b", "", "$c"]);
    expect(parseCommand("--setup", ["x", "y"])).toEqual(["x", "y"]);
  });

  it.each([
    "connect.sh add",
    "",
    "{}",
    '"x"',
    "null",
    "[]",
    '[""]',
    '["x",1]',
    '["x",["y"]]',
    '["x\\u0000"]',
  ])("refuses %j with the option's name and an example", (text) => {
    expect(() => parseCommand("--teardown", text)).toThrow(UsageError);
    expect(() => parseCommand("--teardown", text)).toThrow(
      /^--teardown expects a command and its arguments as a JSON array of strings, such as '\["/,
    );
  });

  it("refuses an array that is none of strings", () => {
    expect(() => parseCommand("--setup", [])).toThrow(/not \[\]$/);
    expect(() => parseCommand("--setup", [7] as never)).toThrow(/not \[7\]$/);
  });
});
