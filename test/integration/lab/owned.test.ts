import { chownSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { collectGarbage } from "../../../src/setup/gc.ts";
import { keepLab } from "../../../src/setup/keep.ts";
import { dropLab, keptNamespace, openKeptLab } from "../../../src/setup/kept.ts";
import { occupantOf } from "../../../src/setup/mark.ts";
import { currentOwner } from "../../../src/setup/ownership.ts";
import {
  claimState,
  type Hold,
  releaseState,
  removeState,
  replaceState,
} from "../../../src/setup/state-files.ts";
import { stateNames } from "../../../src/setup/state-folder.ts";
import { readState, takeState } from "../../../src/setup/state-read.ts";
import { parseTopology } from "../../../src/setup/topology.ts";
import { NOBODY } from "../nobody.ts";
import { ip, labName, left, namespaces, OTHER_BOOT, part, shell, useOwnBooks } from "./machine.ts";

const books = useOwnBooks();

const OURS = "bridgescope:deadbeef";
const descriptors = () => readdirSync("/proc/self/fd").length;

/** A namespace that carries the mark of the labs that `left` makes. */
function marked(name: string): void {
  ip("netns", "add", name);
  ip("-n", name, "link", "set", "dev", "lo", "alias", OURS);
}

async function held(name: string): Promise<Hold> {
  const hold = await takeState(name, 0);
  if (hold === null || hold === "busy") throw new Error(`${name} is not to be had: ${hold}`);
  return hold;
}

describe("what stands under a name of /run/netns", () => {
  const folder = "/run/netns";
  const at = (name: string) => path.join(folder, name);

  test("is nothing, a new namespace, one with a mark, or one in use", () => {
    const [none, fresh, ours, used] = [labName(), labName(), labName(), labName()];
    const inode = (name: string) => namespaces(name).get(name);
    for (const name of [fresh, ours, used]) ip("netns", "add", name);
    try {
      ip("-n", ours, "link", "set", "dev", "lo", "alias", OURS);
      ip("-n", used, "link", "add", "br0", "type", "bridge");
      expect(occupantOf(folder, none)).toEqual({ kind: "nothing" });
      const kind = "namespace";
      expect([fresh, ours, used].map((name) => occupantOf(folder, name))).toEqual([
        { kind, inode: inode(fresh), alias: "", untouched: true },
        { kind, inode: inode(ours), alias: OURS, untouched: false },
        { kind, inode: inode(used), alias: "", untouched: false },
      ]);
    } finally {
      for (const name of [fresh, ours, used]) ip("netns", "del", name);
    }
  });

  test("is a file, and not a namespace of the network's", () => {
    const [empty, full, link, other] = [labName(), labName(), labName(), labName()];
    mkdirSync(folder, { recursive: true });
    try {
      writeFileSync(at(empty), "");
      writeFileSync(at(full), "x");
      symlinkSync("/proc/self/ns/net", at(link));
      writeFileSync(at(other), "");
      expect(shell(`mount --bind /proc/self/ns/uts ${at(other)}`).status).toBe(0);
      const before = descriptors();
      expect(occupantOf(folder, empty)).toEqual({ kind: "empty file" });
      const kind = "other";
      expect([full, link, other].map((name) => occupantOf(folder, name))).toEqual([
        { kind, what: "it is a file with something in it" },
        { kind, what: "it is no regular file" },
        {
          kind,
          what: expect.stringMatching(/^it cannot be entered as a network namespace: .*EINVAL/),
        },
      ]);
      expect(descriptors()).toBe(before);
    } finally {
      shell(`umount ${at(other)}`);
      for (const name of [empty, full, link, other]) rmSync(at(name), { force: true });
    }
  });
});

describe("garbage collection", () => {
  test("spares a kept lab whose maker is gone", async () => {
    const state = left({ phase: "kept" });
    for (const index of [0, 1, 2]) marked(part(state, index));
    const before = namespaces(state.name);
    expect((await collectGarbage()).labs).toEqual([
      { lab: state.name, outcome: "left", reason: "it is kept until `bridgescope lab down`" },
    ]);
    expect(namespaces(state.name)).toEqual(before);
    expect(readState(state.name)).toEqual(state);
  });

  test("says whose a lab is, and of what it has removed what it was", async () => {
    const { pid } = currentOwner();
    const alive = left({ owner: currentOwner() });
    expect((await collectGarbage()).labs).toEqual([
      { lab: alive.name, outcome: "left", reason: `process ${pid} is building it` },
    ]);
    await dropLab(alive.name);
    const dead = left({ phase: "dropping" });
    const nothing = { removed: [], left: [], held: [] };
    expect((await collectGarbage()).labs).toEqual([
      {
        ...{ lab: dead.name, outcome: "removed" },
        ...{ reason: `it was dropping when its process ${pid} ended`, ...nothing },
      },
    ]);
    const old = left({ owner: OTHER_BOOT });
    expect((await collectGarbage()).labs).toEqual([
      {
        ...{ lab: old.name, outcome: "removed", ...nothing },
        reason: "it was of another boot and its namespaces are gone",
      },
    ]);
    expect(stateNames()).toEqual([]);
  });

  test("judges by what the state says when it gets hold of it, and not by what it said before", async () => {
    const state = left();
    marked(part(state, 0));
    const hold = await held(state.name);
    const collecting = collectGarbage();
    replaceState(hold, { ...state, phase: "kept" });
    releaseState(hold);
    expect((await collecting).labs).toMatchObject([
      { outcome: "left", reason: expect.stringContaining("kept") },
    ]);
    expect(namespaces(state.name).size).toBe(1);
  });

  test("has nothing to say of a lab that went while it waited", async () => {
    const state = left();
    const hold = await held(state.name);
    const collecting = collectGarbage();
    removeState(hold);
    releaseState(hold);
    expect((await collecting).labs).toEqual([]);
  });

  test("keeps the books of what would not go, and has it another time", async () => {
    const state = left();
    for (const index of [0, 1]) marked(part(state, index));
    const stuck = `/run/netns/${part(state, 0)}`;
    // Under the mount that is taken away lies another.
    expect(shell(`mount --bind ${stuck} ${stuck}`).status).toBe(0);
    const before = descriptors();
    expect((await collectGarbage()).labs).toEqual([
      {
        ...{ lab: state.name, outcome: "failed" },
        reason: expect.stringMatching(/^it could not be removed: .*EBUSY/),
      },
    ]);
    expect([...namespaces(state.name).keys()]).toEqual([part(state, 0)]);
    expect(readState(state.name)).toEqual(state);
    expect((await collectGarbage()).labs).toMatchObject([
      { outcome: "removed", removed: [part(state, 0)], left: [] },
    ]);
    expect(namespaces(state.name).size).toBe(0);
    expect(stateNames()).toEqual([]);
    expect(descriptors()).toBe(before);
  });
});

describe("lab down", () => {
  test("leaves a lab to the process that builds or removes it", async () => {
    const state = left();
    const hold = await held(state.name);
    await expect(dropLab(state.name)).rejects.toThrow(
      `lab "${state.name}" is being built or removed by another process at this moment`,
    );
    releaseState(hold);
    expect(await dropLab(state.name)).toEqual({ removed: [], left: [], held: [] });
  });

  test("takes the file that a removal before it left, and holds on to nothing", async () => {
    const name = labName();
    await (await keepLab(parseTopology("veth"), name)).close();
    const before = descriptors();
    const [halfway = ""] = namespaces(name).keys();
    expect(shell(`umount /run/netns/${halfway}`).status).toBe(0);
    const removal = await dropLab(name);
    expect(removal.removed).toHaveLength(3);
    expect(removal).toMatchObject({ left: [], held: [] });
    expect(namespaces(name).size).toBe(0);
    expect(descriptors()).toBe(before);
  });

  test("names twenty labs, and how many more there are", async () => {
    const names = Array.from({ length: 20 }, () => left().name).sort();
    await expect(dropLab("nope")).rejects.toThrow(new RegExp(`known are ${names.join(", ")}$`));
    const all = [...names, left().name].sort();
    await expect(dropLab("nope")).rejects.toThrow(
      new RegExp(`known are ${all.slice(0, 20).join(", ")} and 1 more$`),
    );
    await collectGarbage();
  });
});

describe("a lab is not entered", () => {
  test("before it is finished, or when it never was", () => {
    const building = left({ owner: currentOwner() });
    const dead = left();
    const { pid } = currentOwner();
    for (const enter of [openKeptLab, (name: string) => keptNamespace(name, "A")]) {
      expect(() => enter(building.name)).toThrow(
        `lab "${building.name}" is still building (process ${pid})`,
      );
      expect(() => enter(dead.name)).toThrow(
        `lab "${dead.name}" was never finished (building, and its process ${pid} is gone): \`bridgescope lab gc\` removes it`,
      );
    }
  });

  test("where the part that is asked for is gone, and the others are", async () => {
    const name = labName();
    await (await keepLab(parseTopology("veth"), name)).close();
    const of = (host: string) =>
      [...namespaces(name).keys()].find((one) => one.endsWith(`-${host}`));
    const [gone = "", stays = ""] = [of("A"), of("B")];
    ip("netns", "del", gone);
    expect(keptNamespace(name, "B")).toBe(stays);
    expect(() => keptNamespace(name, "A")).toThrow(`${gone}: it is gone`);
    expect(() => openKeptLab(name)).toThrow(`${gone}: it is gone`);
  });
});

describe("another user's", () => {
  test("state is not read", () => {
    const { name } = left();
    const file = path.join(books.labs, `${name}.json`);
    chownSync(file, NOBODY, NOBODY);
    try {
      expect(() => readState(name)).toThrow(/another user's/);
    } finally {
      rmSync(file);
    }
  });

  test.each(["bridgescope", "bridgescope/labs"])("%s is no folder for states", async (folder) => {
    const state = left();
    chownSync(path.join(books.home, folder), NOBODY, NOBODY);
    try {
      for (const act of [() => readState(state.name), stateNames, () => claimState(state)]) {
        expect(act).toThrow(/must be a folder of this user that nobody else can write to/);
      }
      await expect(collectGarbage()).rejects.toThrow(/must be a folder of this user/);
    } finally {
      chownSync(path.join(books.home, folder), 0, 0);
    }
  });

  test("nor is a file", () => {
    mkdirSync(path.join(books.home, "bridgescope"));
    writeFileSync(books.labs, "");
    try {
      expect(stateNames).toThrow(/must be a folder of this user/);
    } finally {
      rmSync(books.labs);
    }
  });
});
