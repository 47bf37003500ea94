import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collectGarbage } from "../../../src/setup/gc.ts";
import { keepLab } from "../../../src/setup/keep.ts";
import { listLabs } from "../../../src/setup/listing.ts";
import { parseTopology } from "../../../src/setup/topology.ts";
import { type Compiled, compileSources } from "../../compiled.ts";
import { randomOf } from "../../seed.ts";
import { hostState } from "../host-state.ts";
import { labName, namespaces, processesOfSession, useOwnBooks } from "./machine.ts";

const KEEP = `
import { keepLab } from "./src/setup/keep.js";
import { parseTopology } from "./src/setup/topology.js";
const spec = parseTopology("bridge:200");
process.stdout.write("go");
await (await keepLab(spec, process.argv[2])).close();
`;
const DROP = `
import { dropLab } from "./src/setup/kept.js";
process.stdout.write("go");
await dropLab(process.argv[2]);
`;
const LAB = `
import { labCommand } from "./src/cli/lab.js";
process.stdout.write("go");
await labCommand().parseAsync(process.argv.slice(2), { from: "user" });
`;

useOwnBooks();
let compiled: Compiled;
const scripts = { keep: "", drop: "", lab: "" };

beforeAll(() => {
  compiled = compileSources();
  scripts.keep = compiled.script("keep.mjs", KEEP);
  scripts.drop = compiled.script("drop.mjs", DROP);
  scripts.lab = compiled.script("lab.mjs", LAB);
});
afterAll(() => compiled.remove());

/** A child in a session of its own, at the moment its work begins. */
async function atWork(script: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [script, ...args], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stderr?.resume();
  await once(child.stdout as NodeJS.ReadableStream, "data");
  child.stdout?.resume();
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

async function expectClean(name: string, child: ChildProcess): Promise<void> {
  await collectGarbage();
  expect(processesOfSession(child.pid ?? 0)).toEqual([]);
  expect(namespaces(name).size).toBe(0);
  expect(listLabs()).toEqual([]);
}

const random = randomOf("instants of SIGKILL");

/** An instant in each tenth of the time that the work takes, and not the same ones in every run. */
function instants(wholeMs: number): number[] {
  return Array.from({ length: 10 }, (_, tenth) => ((tenth + random()) * wholeMs) / 10);
}

describe("SIGKILL at any instant, and one gc at once", () => {
  test("while a lab of 200 is built", async () => {
    const { links } = hostState();
    const found: number[] = [];
    for (const instant of instants(250)) {
      const name = labName();
      const child = await atWork(scripts.keep, name);
      await sleep(instant);
      await kill(child);
      found.push(namespaces(name).size);
      if (listLabs().some((lab) => lab.state === "kept")) continue; // it was finished already
      await expectClean(name, child);
      expect(namespaces(name).size).toBe(0);
    }
    expect(hostState().links).toEqual(links);
    // Otherwise none of the kills hit a build, and the test has shown nothing.
    expect(found.some((count) => count > 0)).toBe(true);
  });

  test("while a lab is removed", async () => {
    const found: number[] = [];
    for (const instant of instants(150).filter((_, index) => index % 2 === 0)) {
      const name = labName();
      await (await keepLab(parseTopology("bridge:100"), name)).close();
      const child = await atWork(scripts.drop, name);
      await sleep(instant);
      await kill(child);
      found.push(namespaces(name).size);
      if (listLabs().some((lab) => lab.state === "kept")) continue;
      await expectClean(name, child);
    }
    expect(found.some((count) => count < 101)).toBe(true);
  });
});

test("Ctrl-C removes what was made and exits with 128 + 2", async () => {
  for (const instant of [20, 90, 160]) {
    const name = labName();
    const child = await atWork(scripts.lab, "up", "bridge:400", "--name", name);
    // Before that it has nothing to remove, and dies of the signal like any process.
    while (listLabs().length === 0) await sleep(1);
    await sleep(instant);
    const ended = once(child, "exit");
    process.kill(-(child.pid ?? 0), "SIGINT");
    expect(await ended).toEqual([130, null]);
    expect(namespaces(name).size).toBe(0);
    expect(listLabs()).toEqual([]);
  }
});
