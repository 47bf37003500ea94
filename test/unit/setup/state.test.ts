import { describe, expect, test } from "vitest";
import { checkLabName } from "../../../src/setup/lab-name.ts";
import { CorruptStateError, parseState } from "../../../src/setup/state.ts";
import { labState } from "../../fixtures/lab-state.ts";

const STATE = labState("web", "kept");

const parse = (state: unknown) => parseState(JSON.stringify(state), "web", "/x/web.json");

test("what was written is read", () => {
  expect(parse(STATE)).toEqual(STATE);
});

test("what JSON had against it is the cause", () => {
  const read = () => parseState("{", "web", "/x/web.json");
  expect(read).toThrow(expect.objectContaining({ cause: expect.any(SyntaxError) }));
});

describe("what is not a state is refused whole", () => {
  const other = (index: number, name: string) => ({
    ...STATE,
    namespaces: STATE.namespaces.map((each, at) => (at === index ? { ...each, name } : each)),
  });
  test.each<[string, unknown, RegExp]>([
    ["no JSON", undefined, /not JSON/],
    ["null", null, /the whole/],
    ["another schema", { ...STATE, schema: "bridgescope.lab/2" }, /schema/],
    ["another's name", { ...STATE, name: "db" }, /names namespaces|it is the state of/],
    ["an id of another form", { ...STATE, id: "../../x" }, /id/],
    ["no owner", { ...STATE, owner: undefined }, /owner/],
    ["a phase of its own", { ...STATE, phase: "sleeping" }, /phase/],
    ["one field more", { ...STATE, more: 1 }, /the whole/],
    [
      "a namespace too few",
      { ...STATE, namespaces: STATE.namespaces.slice(1) },
      /names namespaces/,
    ],
    ["a namespace twice", other(0, STATE.namespaces[1]?.name ?? ""), /names namespaces/],
    ["a stranger's namespace", other(1, "prod"), /names namespaces/],
    ["a path", other(1, "../../etc/passwd"), /names namespaces/],
    ["a namespace of another lab", other(1, "bs-web-deadbeef-A"), /names namespaces/],
    [
      "a host whose name is a path",
      { ...STATE, spec: { ...STATE.spec, hosts: [{ ...STATE.spec.hosts[0], name: "../x" }] } },
      /spec.hosts.0.name/,
    ],
  ])("%s", (_what, state, reason) => {
    expect(() => parse(state)).toThrow(CorruptStateError);
    expect(() => parse(state)).toThrow(reason);
    expect(() => parse(state)).toThrow(/web.json is not a lab's state .*nothing was touched/);
  });
});

test.each(["web", "a", "a-1", `a${"b".repeat(31)}`])("%j is a lab's name", (name) => {
  expect(checkLabName(name)).toBe(name);
});

test.each(["", "Web", "1a", "-a", "a_b", "a.b", "a/b", "ä", "a\n", `a${"b".repeat(32)}`])(
  "%j is no lab's name",
  (name) => {
    expect(() => checkLabName(name)).toThrow(/1 to 32 of a-z, 0-9 and -/);
  },
);
