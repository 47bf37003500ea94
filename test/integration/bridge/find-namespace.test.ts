/** `--netns` takes what people call a namespace, and whatever this program itself calls it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findNamespace } from "../../../src/bridge/find-namespace.ts";
import { listPlaces } from "../../../src/bridge/places.ts";
import { explainSchema } from "../../../src/document/explain.ts";
import { watchSchema } from "../../../src/document/watch.ts";
import { closeNamespace } from "../../../src/system/netns.ts";
import { type Finished, scratch, start } from "../bench/cli.ts";
import { type HostState, hostChanges, hostState, tagged } from "../host-state.ts";

let stage: ChildProcess;
let said = "";
let before: HostState;
const folder = scratch();

beforeAll(async () => {
  before = hostState();
  const script = path.resolve("test/fixtures/explain/labels.sh");
  stage = spawn("unshare", ["--mount", "--net", "bash", script, process.execPath], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...tagged },
  });
  for (const stream of [stage.stdout, stage.stderr]) {
    stream?.on("data", (data) => {
      said += String(data);
    });
  }
  while (!/^ready$/m.test(said)) {
    if (stage.exitCode !== null) throw new Error(`the stage ended: ${said}`);
    await Promise.race([once(stage.stdout ?? stage, "data"), once(stage, "close")]);
  }
  for (const [line] of said.matchAll(/^skipped: .*$/gm)) process.stdout.write(`${line}\n`);
  for (const [topology, name] of [
    ["bridge:2", "web"],
    ["bridge:2", "shop"],
    ["veth", "pair"],
  ] as const) {
    expect(await there("lab", "up", topology, "--name", name)).toMatchObject({ code: 0 });
  }
});
afterAll(async () => {
  await there("lab", "down", "--all");
  const ended = once(stage, "close");
  stage.stdin?.end();
  await ended;
  folder.remove();
  expect(await hostChanges(before, 5000)).toEqual({});
});

function there(...args: string[]): Promise<Finished> {
  const enter = ["nsenter", `--target=${stage.pid}`, "--mount", "--net", "--"];
  return start(args, { XDG_STATE_HOME: folder.path }, enter).finished;
}

const explain = (...args: string[]) => there("explain", "--no-probes", "--json", ...args);

/** The namespace that a label leads to, by its bridge; where it has none, what is said of that. */
async function ledTo(label: string): Promise<string> {
  const { code, stdout, stderr } = await explain("br0", "--netns", label);
  if (code === 0) return `net:[${explainSchema.parse(JSON.parse(stdout)).bridge.namespace.inode}]`;
  expect(code).toBe(2);
  return stderr;
}

const NO_BRIDGE = /^bridgescope: there is no bridge "br0" in the network namespace/;

it("takes every label that explain and watch print", async () => {
  const { stdout } = await explain("br0", "--netns", "home");
  const { ports, bridge } = explainSchema.parse(JSON.parse(stdout));
  expect(bridge.namespace.label).toBe("home");
  expect(await ledTo("home")).toBe(`net:[${bridge.namespace.inode}]`);
  expect(await ledTo(`net:[${bridge.namespace.inode}]`)).toBe(`net:[${bridge.namespace.inode}]`);
  const words = ["watch", "br0", "--netns", "home", "--no-probes", "--json", "--duration", "300ms"];
  const [line = ""] = (await there(...words)).stdout.split("\n");
  const record = watchSchema.parse(JSON.parse(line));
  const owners = [
    ...ports.map(({ owner }) => owner),
    ...record.ports.map(({ owner }) => owner?.label ?? null),
  ];
  const labels = [...new Set(owners)].filter((label) => label !== null);
  const contained = said.includes("skipped: the cgroup")
    ? []
    : ["container web", "pod shop/cart-1", "container cc0000000000"];
  expect(labels).toEqual(
    expect.arrayContaining([
      ...["netns red", "netns web", "docker namespace 1-abc", ...contained],
      expect.stringMatching(/^pid \d+ \(sleep\)$/),
    ]),
  );
  // As foreign probes are told of.
  if (contained.length > 0) labels.push("container aa0000000000");
  const led = await Promise.all(labels.map(async (label) => [label, await ledTo(label)]));
  expect(led).toEqual(labels.map((label) => [label, expect.stringMatching(NO_BRIDGE)]));
});

it("takes a label as it is shown where a terminal would obey the name itself", async () => {
  const { stderr } = await explain("nobody");
  const shown = String.raw`b\x1b[2Jad name`;
  expect(stderr).toContain(`"brbad" (${shown})`);
  for (const label of [shown, `netns ${shown}`]) expect(await ledTo(label)).toMatch(NO_BRIDGE);
});

it("takes every name that lab prints, and of a lab means the namespace of its bridge", async () => {
  const shown = JSON.parse((await there("lab", "show", "shop", "--json")).stdout);
  const names: string[] = [...JSON.stringify(shown).matchAll(/"(bs-shop-[^"]+)"/g)].map(
    ([, name = ""]) => name,
  );
  expect(names.length).toBeGreaterThan(2);
  const [bridge] = names.filter((name) => name.endsWith("-sw"));
  expect(await ledTo("shop")).toBe(await ledTo(String(bridge)));
  expect(await ledTo("lab shop")).toBe(await ledTo(String(bridge)));
  const hosts = names.filter((one) => one !== bridge);
  for (const said of await Promise.all(hosts.map(ledTo))) expect(said).toMatch(NO_BRIDGE);
  const words = ["watch", "br0", "--netns", "shop", "--no-probes", "--json", "--duration", "300ms"];
  expect(await there(...words)).toMatchObject({ code: 0 });
  expect(await ledTo("pair")).toContain('lab "pair" has no bridge; its namespaces are bs-pair-');
});

it("lists the choices where a name is several's, and takes each of them", async () => {
  const choices = await ledTo("web");
  const contained = !said.includes("skipped: the cgroup");
  expect(choices).toContain(`"web" is the name of ${contained ? 3 : 2} network namespaces`);
  const labels = [...choices.matchAll(/"([^"]+)"/g)].slice(1).map(([, label = ""]) => label);
  expect(labels.sort()).toEqual([
    ...(contained ? ["container web"] : []),
    ...["lab web", "netns web"],
  ]);
  const led = new Map<string, string>();
  for (const label of labels) led.set(label, await ledTo(label));
  expect(led.get("lab web")).toMatch(/^net:\[\d+\]$/);
  for (const label of labels.filter((one) => one !== "lab web")) {
    expect(led.get(label)).toMatch(NO_BRIDGE);
  }
});

it("says what it looked for, and what became of a process", async () => {
  expect(await ledTo("nobody")).toMatch(
    /there is no namespace "nobody": looked for \/run\/netns\/nobody, a lab .*, a container/,
  );
  expect(await ledTo("pod shop/nobody")).toContain("looked for the owners of all namespaces");
  expect(await ledTo("pid 4194305")).toContain("looked for a process 4194305");
  const label = `pid ${stage.pid} (redis\u001b[2J)`;
  expect(await ledTo(label)).toContain(`process ${stage.pid} is "bash" now`);
  expect(await ledTo(label)).not.toContain("\u001b");
  expect(await ledTo("vm guest1 (pid 3)")).toContain('"vm guest1 (pid 3)" is a virtual machine');
});

it("means the host's own by host", async () => {
  const host = listPlaces().find(({ label }) => label === "host");
  expect(host).toBeDefined();
  for (const label of ["host", `net:[${host?.inode}]`]) {
    const namespace = await findNamespace(label, "here");
    closeNamespace(namespace);
    expect(namespace.inode).toBe(host?.inode);
  }
});

it("measures between labels too", async () => {
  const attach = (ends: string) =>
    there("bench", "--topology", `attach:${ends}`, "--workload", "ping", "--rounds", "2");
  const { code, stderr } = await attach("shop,netns nobody");
  expect([code, stderr]).toEqual([2, expect.stringContaining('no namespace "netns nobody"')]);
});
