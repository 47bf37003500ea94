import { expect, test } from "vitest";
import { judge, type Occupant } from "../../../src/setup/mark.ts";

const OURS = "bridgescope:0badcafe";
const namespace = (inode: number, alias: string, untouched = false): Occupant => ({
  kind: "namespace",
  inode,
  alias,
  untouched,
});
const FILE: Occupant = { kind: "empty file" };
const OTHER: Occupant = { kind: "other", what: "it is no regular file" };

test.each([
  ["building", null, namespace(7, OURS), true],
  ["building", null, namespace(7, "", true), true],
  ["building", null, namespace(7, ""), false],
  ["building", null, namespace(7, "bridgescope:deadbeef"), false],
  ["building", null, FILE, true],
  ["building", null, OTHER, false],
  ["dropping", 7, namespace(7, OURS), true],
  ["dropping", 7, namespace(8, OURS), false],
  ["dropping", 7, namespace(7, ""), false],
  // The kernel gives inode numbers out again: a new namespace may well have the old one's.
  ["dropping", 7, namespace(7, "", true), false],
  ["dropping", 7, FILE, true],
  ["kept", 7, namespace(7, OURS), true],
  ["kept", 7, namespace(8, OURS), false],
  ["kept", 7, FILE, false],
  ["kept", null, namespace(7, "", true), false],
] as const)("%s, recorded %o, found %o: ours is %s", (phase, inode, occupant, ours) => {
  if (occupant.kind === "nothing") throw new Error("nothing is judged");
  expect(judge({ id: "0badcafe", phase }, { inode }, occupant).ours).toBe(ours);
});

test.each([
  ["kept", 7, FILE, "no namespace is mounted on it"],
  ["kept", 7, OTHER, "it is no regular file"],
  ["kept", 7, namespace(8, OURS), "another namespace has its name now (8, and ours was 7)"],
  ["kept", 7, namespace(7, "mine"), `its lo does not carry our mark ${OURS}`],
  ["building", 7, namespace(7, "", true), `its lo does not carry our mark ${OURS}`],
] as const)("%s, recorded %o, found %o: left because %s", (phase, inode, occupant, reason) => {
  if (occupant.kind === "nothing") throw new Error("nothing is judged");
  expect(judge({ id: "0badcafe", phase }, { inode }, occupant)).toEqual({ ours: false, reason });
});
