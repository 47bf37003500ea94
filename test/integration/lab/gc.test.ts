import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { collectGarbage } from "../../../src/setup/gc.ts";
import { keepLab } from "../../../src/setup/keep.ts";
import { dropLab } from "../../../src/setup/kept.ts";
import { listLabs } from "../../../src/setup/listing.ts";
import { currentOwner } from "../../../src/setup/ownership.ts";
import { claimState, releaseState } from "../../../src/setup/state-files.ts";
import { readState } from "../../../src/setup/state-read.ts";
import { parseTopology } from "../../../src/setup/topology.ts";
import { ip, labName, left, namespaces, OTHER_BOOT, part, useOwnBooks } from "./machine.ts";

const books = useOwnBooks();

describe("of a dead run", () => {
  test("a namespace is removed before and after it got its mark", async () => {
    const state = left();
    ip("netns", "add", part(state, 0));
    ip("netns", "add", part(state, 1));
    ip("-n", part(state, 1), "link", "set", "dev", "lo", "alias", "bridgescope:deadbeef");
    const { labs } = await collectGarbage();
    expect(labs).toMatchObject([
      { lab: state.name, outcome: "removed", removed: [part(state, 0), part(state, 1)], left: [] },
    ]);
    expect(namespaces(state.name).size).toBe(0);
    expect(listLabs()).toEqual([]);
  });

  test("the empty file of an `ip netns add` that was killed is removed", async () => {
    const state = left();
    ip("netns", "add", part(state, 1));
    writeFileSync(`/run/netns/${part(state, 0)}`, "", { mode: 0 });
    await collectGarbage();
    expect(namespaces(state.name).size).toBe(0);
  });

  test("a removal that was killed halfway is finished", async () => {
    const state = left();
    ip("netns", "add", part(state, 2));
    ip("-n", part(state, 2), "link", "set", "dev", "lo", "alias", "bridgescope:deadbeef");
    const inode = namespaces(state.name).get(part(state, 2)) ?? null;
    unlinkSync(path.join(books.labs, `${state.name}.json`));
    const names = state.namespaces.map(({ name }, index) => ({
      name,
      inode: index === 2 ? inode : 1,
    }));
    releaseState(claimState({ ...state, phase: "dropping", namespaces: names }));
    writeFileSync(`/run/netns/${part(state, 0)}`, "");
    expect(listLabs()).toMatchObject([{ name: state.name, state: "dead" }]);
    await collectGarbage();
    expect(namespaces(state.name).size).toBe(0);
    expect(listLabs()).toEqual([]);
  });

  test("lab down does the same", async () => {
    const state = left();
    ip("netns", "add", part(state, 0));
    expect((await dropLab(state.name)).removed).toEqual([part(state, 0)]);
    expect(listLabs()).toEqual([]);
  });

  test("a half-written state file goes, and that of a living writer stays", async () => {
    mkdirSync(books.labs, { recursive: true, mode: 0o700 });
    const dead = ".web.4194305-00ff.tmp";
    const alive = `.web.${process.pid}-00ff.tmp`;
    for (const file of [dead, alive]) writeFileSync(path.join(books.labs, file), "{");
    expect((await collectGarbage()).files).toEqual([dead]);
    expect(existsSync(path.join(books.labs, alive))).toBe(true);
  });
});

describe("is left alone", () => {
  test("a kept lab", async () => {
    const name = labName();
    await (await keepLab(parseTopology("bridge:2"), name)).close();
    const before = namespaces(name);
    const { labs } = await collectGarbage();
    expect(labs).toMatchObject([{ lab: name, outcome: "left" }]);
    expect(namespaces(name)).toEqual(before);
    expect(listLabs()).toMatchObject([{ name, state: "kept" }]);
  });

  test("a lab that a living process builds", async () => {
    const state = left({ owner: currentOwner() });
    ip("netns", "add", part(state, 0));
    const before = namespaces(state.name);
    expect((await collectGarbage()).labs).toMatchObject([{ outcome: "left" }]);
    expect(namespaces(state.name)).toEqual(before);
  });

  test("what only looks like ours", async () => {
    const state = left();
    ip("netns", "add", part(state, 0));
    const decoys = [
      `bs-${state.name}-deadbeef-h1`,
      `bs-${state.name}-deadbeef-A2`,
      `${state.name}`,
    ];
    for (const decoy of decoys) ip("netns", "add", decoy);
    ip("-n", decoys[0] ?? "", "link", "set", "dev", "lo", "alias", "bridgescope:deadbeef");
    const before = namespaces(state.name);
    before.delete(part(state, 0));
    try {
      await collectGarbage();
      expect(namespaces(state.name)).toEqual(before);
      expect(before.size).toBe(decoys.length);
    } finally {
      for (const decoy of decoys) ip("netns", "del", decoy);
    }
  });

  test("a namespace in use under a name from the books", async () => {
    const state = left();
    for (const index of [0, 1]) ip("netns", "add", part(state, index));
    ip("-n", part(state, 0), "link", "add", "dummy0", "type", "bridge");
    ip("-n", part(state, 1), "link", "set", "dev", "lo", "alias", "bridgescope:00000000");
    writeFileSync(`/run/netns/${part(state, 2)}`, "not empty");
    const before = namespaces(state.name);
    try {
      const { labs } = await collectGarbage();
      expect(labs).toMatchObject([{ removed: [], left: [{}, {}, {}] }]);
      expect(namespaces(state.name)).toEqual(before);
    } finally {
      for (const index of [0, 1]) ip("netns", "del", part(state, index));
      unlinkSync(`/run/netns/${part(state, 2)}`);
    }
  });

  test("a symbolic link in the place of a namespace", async () => {
    const state = left();
    const decoy = labName();
    ip("netns", "add", decoy);
    symlinkSync(decoy, `/run/netns/${part(state, 0)}`);
    try {
      await collectGarbage();
      expect(lstatSync(`/run/netns/${part(state, 0)}`).isSymbolicLink()).toBe(true);
      expect(namespaces(decoy).size).toBe(1);
    } finally {
      unlinkSync(`/run/netns/${part(state, 0)}`);
      ip("netns", "del", decoy);
    }
  });
});

describe("after a boot", () => {
  test.each(["building", "kept", "dropping"] as const)(
    "the books of a %s lab go when its namespaces are gone",
    async (phase) => {
      const state = left({ owner: OTHER_BOOT, phase });
      expect((await collectGarbage()).labs).toMatchObject([{ lab: state.name, removed: [] }]);
      expect(listLabs()).toEqual([]);
    },
  );

  test("nothing is touched while one of its names is in use", async () => {
    const state = left({ owner: OTHER_BOOT });
    ip("netns", "add", part(state, 1));
    const before = namespaces(state.name);
    try {
      expect((await collectGarbage()).labs).toMatchObject([
        { outcome: "left", reason: expect.stringContaining("another boot") },
      ]);
      expect(namespaces(state.name)).toEqual(before);
      expect(readState(state.name)).toEqual(state);
    } finally {
      ip("netns", "del", part(state, 1));
    }
  });
});

describe("books that cannot be trusted", () => {
  test.each([
    ["cut short", (text: string) => text.slice(0, 100)],
    ["of another schema", (text: string) => text.replace("lab/1", "lab/9")],
    ["that name a stranger's namespace", (text: string) => text.replace(/bs-[^"]*-A"/, 'other"')],
    ["that leave the folder", (text: string) => text.replace(/"bs-[^"]*-A"/, '"../../etc/passwd"')],
    ["of another name", (text: string) => text.replace(/"name": "t\w+"/, '"name": "txxxxx"')],
    ["with a field too many", (text: string) => text.replace("{", '{"more": 1,')],
  ])("%s: nothing is touched", async (_what, damage) => {
    const state = left();
    ip("netns", "add", part(state, 0));
    const before = namespaces(state.name);
    const file = path.join(books.labs, `${state.name}.json`);
    const damaged = damage(readFileSync(file, "utf8"));
    writeFileSync(file, damaged);
    try {
      const { labs } = await collectGarbage();
      expect(labs).toMatchObject([{ lab: state.name, outcome: "failed" }]);
      await expect(dropLab(state.name)).rejects.toThrow(/nothing was touched/);
      expect(listLabs()).toMatchObject([{ name: state.name, state: "unreadable" }]);
      expect(namespaces(state.name)).toEqual(before);
      expect(readFileSync(file, "utf8")).toBe(damaged);
    } finally {
      ip("netns", "del", part(state, 0));
      unlinkSync(file);
    }
  });

  test("a symbolic link is not followed", async () => {
    const state = left();
    const elsewhere = path.join(books.home, "elsewhere.json");
    const file = path.join(books.labs, `${state.name}.json`);
    writeFileSync(elsewhere, readFileSync(file));
    unlinkSync(file);
    symlinkSync(elsewhere, file);
    const { labs } = await collectGarbage();
    expect(labs).toMatchObject([
      { outcome: "failed", reason: expect.stringContaining("symbolic") },
    ]);
    expect(existsSync(elsewhere)).toBe(true);
    unlinkSync(file);
  });
});
