/** What other tests hold against the host: what is ours is told when it is left there, and what is not is passed over. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { scratch } from "./bench/cli.ts";
import { announce, hostChanges, hostState, tagged, uniqueName } from "./host-state.ts";

const run = (...[file = "", ...words]: string[]) => execFileSync(file, words, { encoding: "utf8" });
const ip = (...words: string[]) => run("ip", ...words);

const undo: (() => void)[] = [];
afterEach(() => {
  for (const one of undo.splice(0)) one();
});

/** Makes something, which goes when the test does. */
function make(words: string[], unmake: string[]): void {
  run(...words);
  undo.unshift(() => run(...unmake));
}

function folder(): string {
  const made = scratch();
  undo.unshift(() => made.remove());
  return made.path;
}

async function sleeper(env: Record<string, string>): Promise<number> {
  const child = spawn("sleep", ["300"], { stdio: "ignore", env: { ...process.env, ...env } });
  undo.unshift(() => child.kill("SIGKILL"));
  await once(child, "spawn");
  return child.pid ?? 0;
}

/** Mounts a file system of this kind where nothing of ours is. */
function mounted(kind: "bpf" | "tmpfs"): string {
  const at = join("/run", uniqueName());
  mkdirSync(at);
  undo.unshift(() => rmdirSync(at));
  make(["mount", "-t", kind, "other", at], ["umount", at]);
  return at;
}

/** A map that stays when its maker has ended; its name as bpftool shows it. */
function pinMap(name: string): string {
  const at = mounted("bpf");
  run(...`bpftool map create ${at}/map type hash key 4 value 4 entries 1 name`.split(" "), name);
  return name;
}

const ALIAS = "bridgescope:00c0ffee";
const LEFT: [kind: string, leave: () => string | Promise<string>][] = [
  [
    "links",
    () => {
      // A name that nobody would take for ours: the mark tells.
      make(["ip", "link", "add", "bstlink", "type", "veth"], ["ip", "link", "del", "bstlink"]);
      ip("link", "set", "bstlink", "alias", ALIAS);
      return "bstlink";
    },
  ],
  [
    "links",
    () => {
      const name = uniqueName();
      make(["ip", "link", "add", name, "type", "veth"], ["ip", "link", "del", name]);
      return name;
    },
  ],
  [
    "namespaces",
    () => {
      const name = "bs-left-00c0ffee-sw";
      make(["ip", "netns", "add", name], ["ip", "netns", "del", name]);
      ip("-n", name, "link", "set", "lo", "alias", ALIAS);
      return name;
    },
  ],
  [
    "namespaces",
    () => {
      const name = "bs-left-00c0ffee-h1";
      make(["ip", "netns", "add", name], ["ip", "netns", "del", name]);
      return name;
    },
  ],
  [
    "namespaces",
    () => {
      const name = "bs-recorded-00c0ffee-sw";
      const labs = join(folder(), "bridgescope/labs");
      mkdirSync(labs, { recursive: true });
      writeFileSync(join(labs, "recorded.json"), JSON.stringify({ namespaces: [{ name }] }));
      make(["ip", "netns", "add", name], ["ip", "netns", "del", name]);
      return name;
    },
  ],
  [
    "mounts",
    () => {
      const at = folder();
      make(["mount", "-t", "tmpfs", "bridgescope", at], ["umount", at]);
      return at;
    },
  ],
  ["maps", () => pinMap("AT_left")],
  ["processes", async () => String(await sleeper(tagged))],
];

describe("what a run of ours left is told", () => {
  test.each(LEFT)("of the %s", async (kind, leave) => {
    const before = hostState();
    const name = await leave();
    expect(await hostChanges(before, 200)).toMatchObject({
      [kind]: [expect.stringContaining(name)],
    });
  });

  test("of the programs", async () => {
    const at = mounted("bpf");
    const before = hostState();
    const child = spawn("bpftrace", ["-e", "interval:s:1 { @n = count(); }"], { stdio: "ignore" });
    undo.unshift(() => child.kill("SIGKILL"));
    await expect.poll(() => programsOf(child.pid ?? 0).length, { timeout: 30_000 }).toBe(1);
    // While a process holds it, it is no leftover.
    expect(await hostChanges(before)).toEqual({});
    const [id = ""] = programsOf(child.pid ?? 0);
    run("bpftool", "prog", "pin", "id", id, join(at, "program"));
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    expect(await hostChanges(before, 200)).toMatchObject({
      programs: [expect.stringMatching(`^${id} `)],
    });
  });
});

function programsOf(pid: number): string[] {
  const shown = run("sh", "-c", `cat /proc/${pid}/fdinfo/* 2> /dev/null; true`);
  return [...shown.matchAll(/^prog_id:\s*(\d+)/gm)].map(([, id = ""]) => id);
}

const OTHERS: [what: string, others: () => unknown][] = [
  [
    "links",
    () => {
      make(["ip", "link", "add", "vethother", "type", "veth"], ["ip", "link", "del", "vethother"]);
      ip("link", "set", "vethother", "up", "alias", "of somebody else's");
    },
  ],
  [
    "namespaces with names that ours could have",
    () => {
      const name = `bs-${uniqueName()}-00000000-sw`;
      make(["ip", "netns", "add", name], ["ip", "netns", "del", name]);
    },
  ],
  [
    "namespaces of a lab that another bridgescope keeps",
    () => {
      const name = "bs-kept-00c0ffee-sw";
      const labs = join(mkdtempSync(join(tmpdir(), "bridgescope-neighbour-")), "bridgescope/labs");
      mkdirSync(labs, { recursive: true });
      undo.unshift(() => rmSync(join(labs, "../.."), { recursive: true }));
      writeFileSync(join(labs, "kept.json"), JSON.stringify({ namespaces: [{ name }] }));
      make(["ip", "netns", "add", name], ["ip", "netns", "del", name]);
      ip("-n", name, "link", "set", "lo", "alias", ALIAS);
    },
  ],
  [
    "namespaces that a test beside this one has announced",
    () => {
      const name = "bs-announced-00c0ffee-sw";
      const home = mkdtempSync(join(tmpdir(), "bridgescope-neighbour-"));
      undo.unshift(() => rmSync(home, { recursive: true }));
      announce(home, [name]);
      make(["ip", "netns", "add", name], ["ip", "netns", "del", name]);
    },
  ],
  ["mounts", () => mounted("tmpfs")],
  ["maps", () => pinMap("cilium_lxc")],
  ["processes", () => sleeper({})],
];

describe("what a neighbour does meanwhile is not", () => {
  test.each(OTHERS)("to the %s", async (_what, others) => {
    const before = hostState();
    await others();
    expect(await hostChanges(before, 0)).toEqual({});
  });

  test("taking down what was there before", async () => {
    const name = "bstgone";
    ip("link", "add", name, "type", "veth");
    const before = hostState();
    ip("link", "del", name);
    expect(await hostChanges(before, 0)).toEqual({});
  });
});

test("what goes in time is not left", async () => {
  const before = hostState();
  const pid = await sleeper(tagged);
  setTimeout(() => process.kill(pid, "SIGKILL"), 100);
  expect(await hostChanges(before)).toEqual({});
});

test("a setting of the host's that is another is told", async () => {
  const before = hostState();
  const sysctls = before.sysctls.map((line) => line.replace(/\d+$/, "77"));
  expect(await hostChanges({ ...before, sysctls }, 0)).toEqual({ sysctls: before.sysctls });
});
