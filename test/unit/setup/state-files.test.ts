import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CorruptStateError } from "../../../src/setup/state.ts";
import {
  claimState,
  releaseState,
  removeState,
  replaceState,
} from "../../../src/setup/state-files.ts";
import { removeStaleTemporaries, stateNames, statePath } from "../../../src/setup/state-folder.ts";
import { readState, takeState } from "../../../src/setup/state-read.ts";
import { BridgescopeError, UsageError } from "../../../src/system/errors.ts";
import { labState } from "../../fixtures/lab-state.ts";

const state = (name: string) => labState(name, "building");

const descriptors = () => readdirSync("/proc/self/fd").length;

function thrownBy(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("it threw no error");
}

let home: string;
let folder: string;
let before: string | undefined;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "bridgescope-state-"));
  folder = join(home, "bridgescope", "labs");
  before = process.env.XDG_STATE_HOME;
  process.env.XDG_STATE_HOME = home;
});
afterEach(() => {
  if (before === undefined) delete process.env.XDG_STATE_HOME;
  else process.env.XDG_STATE_HOME = before;
  rmSync(home, { recursive: true });
});

describe("a state", () => {
  test("is there, whole and for its user alone, once it is claimed, and nothing else is", () => {
    const hold = claimState(state("web"));
    expect(readState("web")).toEqual(state("web"));
    expect(readdirSync(folder)).toEqual(["web.json"]);
    expect(statSync(join(folder, "web.json")).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    releaseState(hold);
  });

  test("is claimed by one only, and the loser leaves it as it was", () => {
    const hold = claimState(state("web"));
    const text = readFileSync(join(folder, "web.json"), "utf8");
    expect(() => claimState({ ...state("web"), phase: "kept" })).toThrow(UsageError);
    expect(() => claimState(state("web"))).toThrow(/there is a lab "web" already/);
    expect(readFileSync(join(folder, "web.json"), "utf8")).toBe(text);
    expect(readdirSync(folder)).toEqual(["web.json"]);
    releaseState(hold);
  });

  test("that is held is busy for others until it is released", async () => {
    const hold = claimState(state("web"));
    expect(await takeState("web", 0)).toBe("busy");
    expect(await takeState("web", 60)).toBe("busy");
    releaseState(hold);
    const mine = await takeState("web", 0);
    expect(mine).toMatchObject({ state: state("web") });
    expect(await takeState("web", 0)).toBe("busy");
    if (mine !== null && mine !== "busy") releaseState(mine);
  });

  test("that is waited for is had when it is released", async () => {
    const hold = claimState(state("web"));
    const waiting = takeState("web", 10_000);
    setTimeout(() => releaseState(hold), 60);
    const mine = await waiting;
    expect(mine).toMatchObject({ state: state("web") });
    if (mine !== null && mine !== "busy") releaseState(mine);
  });

  test("is replaced under the hold, which goes on, and the old one is never taken for it", async () => {
    const hold = claimState(state("web"));
    replaceState(hold, { ...state("web"), phase: "kept" });
    expect(hold.state.phase).toBe("kept");
    expect(readState("web")?.phase).toBe("kept");
    expect(await takeState("web", 0)).toBe("busy");
    expect(readdirSync(folder)).toEqual(["web.json"]);
    releaseState(hold);
    expect(await takeState("web", 0)).toMatchObject({ state: { phase: "kept" } });
  });

  test("is the newest when one that waited for the old one gets it", async () => {
    const hold = claimState(state("web"));
    const waiting = takeState("web", 10_000);
    replaceState(hold, { ...state("web"), phase: "dropping" });
    setTimeout(() => releaseState(hold), 60);
    expect(await waiting).toMatchObject({ state: { phase: "dropping" } });
  });

  test("that was removed is no more, for those who wait for it neither", async () => {
    const hold = claimState(state("web"));
    const waiting = takeState("web", 10_000);
    removeState(hold);
    releaseState(hold);
    expect(await waiting).toBeNull();
    expect(readState("web")).toBeNull();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("is none where there is none, no folder, or a name that is no lab's", async () => {
    expect(readState("web")).toBeNull();
    expect(await takeState("web", 0)).toBeNull();
    expect(readState("../web")).toBeNull();
    expect(existsSync(folder)).toBe(false);
    expect(stateNames()).toEqual([]);
  });
});

describe("what is not a state of this user is not read", () => {
  beforeEach(() => releaseState(claimState(state("web"))));
  const path = () => join(folder, "web.json");

  test("a symbolic link", () => {
    writeFileSync(join(home, "other"), readFileSync(path()));
    rmSync(path());
    symlinkSync(join(home, "other"), path());
    expect(() => readState("web")).toThrow(CorruptStateError);
    expect(() => readState("web")).toThrow(/a symbolic link/);
    expect(thrownBy(() => readState("web")).cause).toMatchObject({ code: "ELOOP" });
  });

  test("a socket", async () => {
    rmSync(path());
    const server = createServer().listen(path());
    await once(server, "listening");
    expect(() => readState("web")).toThrow(/it cannot be opened: ENXIO/);
    server.close();
    await once(server, "close");
  });

  test("what lies beside the folder", () => {
    renameSync(path(), join(folder, "..", "web.json"));
    expect(readState("../web")).toBeNull();
  });

  test("a folder", () => {
    rmSync(path());
    mkdirSync(path());
    expect(() => readState("web")).toThrow(/not a regular file/);
  });

  test("a file of more than 8 MB", () => {
    writeFileSync(path(), " ".repeat(8 * 1024 * 1024 + 1));
    expect(() => readState("web")).toThrow(/too large/);
    writeFileSync(path(), readFileSync(path(), "utf8").slice(1));
    expect(() => readState("web")).toThrow(/not JSON/);
  });

  test("the state of another lab under its name", () => {
    linkSync(path(), join(folder, "db.json"));
    expect(() => readState("db")).toThrow(/it is the state of "web"|names namespaces/);
  });

  test("what lies in a folder that others can write to", () => {
    for (const mode of [0o720, 0o702, 0o777]) {
      chmodSync(folder, mode);
      expect(() => readState("web")).toThrow(/nobody else can write to/);
      expect(() => stateNames()).toThrow(/nobody else can write to/);
      expect(() => claimState(state("db"))).toThrow(/nobody else can write to/);
    }
    chmodSync(folder, 0o755);
    expect(readState("web")).not.toBeNull();
  });

  test("what lies behind a folder that is a symbolic link", () => {
    const home2 = join(home, "second");
    mkdirSync(home2);
    symlinkSync(join(home, "bridgescope"), join(home2, "bridgescope"));
    process.env.XDG_STATE_HOME = home2;
    expect(() => readState("web")).toThrow(/no symbolic link/);
  });
});

test("a state that cannot be written is said to be none, with where it should have been", () => {
  writeFileSync(join(home, "bridgescope"), "");
  expect(() => claimState(state("web"))).toThrow(
    /does not take it \((ENOTDIR|EEXIST)\): set XDG_STATE_HOME|must be a folder/,
  );
  process.env.XDG_STATE_HOME = "/proc/nowhere";
  expect(() => claimState(state("web"))).toThrow(/\/proc\/nowhere\/.* does not take it \(ENOENT\)/);
  const error = thrownBy(() => claimState(state("web")));
  expect(error).toBeInstanceOf(BridgescopeError);
  expect(error.cause).toMatchObject({ code: "ENOENT" });
});

test("a state that cannot be replaced stays held as it was, and nothing half-written stays", () => {
  const hold = claimState(state("web"));
  const before = descriptors();
  rmSync(join(folder, "web.json"));
  mkdirSync(join(folder, "web.json"));
  const replace = () => replaceState(hold, { ...state("web"), phase: "kept" });
  expect(replace).toThrow(/does not take it \(EISDIR\)/);
  expect(readdirSync(folder)).toEqual(["web.json"]);
  rmSync(folder, { recursive: true });
  expect(replace).toThrow(/does not take it \(ENOENT\)/);
  expect(hold.state.phase).toBe("building");
  expect(descriptors()).toBe(before);
  releaseState(hold);
});

test("reading and waiting hold on to nothing", async () => {
  const hold = claimState(state("web"));
  const before = descriptors();
  for (let time = 0; time < 3; time++) expect(readState("web")).not.toBeNull();
  expect(await takeState("web", 60)).toBe("busy");
  expect(descriptors()).toBe(before);
  releaseState(hold);
});

test.each([undefined, "relative"])("where XDG_STATE_HOME is %s, the state is at home", (value) => {
  if (value === undefined) delete process.env.XDG_STATE_HOME;
  else process.env.XDG_STATE_HOME = value;
  const home = join(homedir(), ".local", "state", "bridgescope", "labs");
  expect(statePath("web")).toBe(join(home, "web.json"));
});

test("labs are those with a lab's name, in order", () => {
  for (const name of ["db", "web", "a-1", "c"]) releaseState(claimState(state(name)));
  for (const name of ["Web.json", "x.txt", ".json", "notes", "backup", "b.json.bak"]) {
    writeFileSync(join(folder, name), "");
  }
  expect(stateNames()).toEqual(["a-1", "c", "db", "web"]);
});

test("half-written files of processes that are gone are removed, and no others", () => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const gone = [".web.4194305-0badcafe.tmp", ".a-1.4194306-00.tmp"];
  const stay = [
    `.web.${process.pid}-0badcafe.tmp`,
    ...[
      ".web.4194305-xyz.tmp",
      "web.4194305-00.tmp",
      ".web.4194305-00.tmp.bak",
      ".Web.4194305-00.tmp",
    ],
    "x.web.4194305-00.tmp",
  ];
  for (const name of [...gone, ...stay]) writeFileSync(join(folder, name), "");
  expect(removeStaleTemporaries().sort()).toEqual(gone.sort());
  expect(readdirSync(folder).sort()).toEqual(stay.sort());
});
