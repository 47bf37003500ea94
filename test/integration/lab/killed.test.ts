import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collectGarbage } from "../../../src/setup/gc.ts";
import { keepLab } from "../../../src/setup/keep.ts";
import { dropLab } from "../../../src/setup/kept.ts";
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

/** An instant in each of so many parts of the time that the work takes, and not the same ones in every run. */
function instants(parts: number, wholeMs: number): number[] {
  return Array.from({ length: parts }, (_, part) => ((part + random()) * wholeMs) / parts);
}

/** How long a script's work takes here, from its beginning to its end. */
async function lasts(script: string, name: string): Promise<number> {
  const child = await atWork(script, name);
  const began = performance.now();
  if (child.exitCode === null) await once(child, "exit");
  return performance.now() - began;
}

/** What the kills met: of so many namespaces some, in a lab that was not finished. */
const inTheMiddle = (found: readonly number[], all: number) =>
  found.filter((count) => count > 0 && count < all);

const isKept = (name: string) =>
  listLabs().some((lab) => lab.name === name && lab.state === "kept");

describe("SIGKILL at any instant, and one gc at once", () => {
  test("while a lab of 200 is built", async () => {
    const { links } = hostState();
    const whole = labName();
    const wholeMs = await lasts(scripts.keep, whole);
    await dropLab(whole);
    const found: number[] = [];
    for (const instant of instants(10, wholeMs)) {
      const name = labName();
      const child = await atWork(scripts.keep, name);
      await sleep(instant);
      await kill(child);
      found.push(namespaces(name).size);
      if (isKept(name)) {
        await dropLab(name);
        continue;
      }
      await expectClean(name, child);
    }
    expect(hostState().links).toEqual(links);
    // Otherwise none of the kills hit a build, and the test has shown nothing.
    expect(inTheMiddle(found, 201), found.join()).not.toEqual([]);
  });

  test("while a lab is removed", async () => {
    const keep = async () => {
      const name = labName();
      await (await keepLab(parseTopology("bridge:100"), name)).close();
      return name;
    };
    const wholeMs = await lasts(scripts.drop, await keep());
    const found: number[] = [];
    for (const instant of instants(5, wholeMs)) {
      const name = await keep();
      const child = await atWork(scripts.drop, name);
      await sleep(instant);
      await kill(child);
      found.push(namespaces(name).size);
      if (isKept(name)) await dropLab(name);
      else await expectClean(name, child);
    }
    expect(inTheMiddle(found, 101), found.join()).not.toEqual([]);
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
