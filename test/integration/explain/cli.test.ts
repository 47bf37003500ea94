import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bridgescope, start } from "../bench/cli.ts";
import { type HostState, hostChanges, hostState } from "../host-state.ts";
import { type FloodLab, floodLab } from "./lab.ts";

let lab: FloodLab;
let before: HostState;

beforeAll(async () => {
  lab = await floodLab();
  before = hostState();
});
afterAll(async () => {
  await lab.leave();
});

/** Everything of the bridge that a reading could change; timers run by themselves. */
function state(): string {
  const shown = lab.shell("ip -d link; bridge -d link; bridge fdb; ip neigh; ip addr");
  return shown.replace(/timer +[\d.]+/g, "timer");
}

it("explains a bridge in another namespace, and changes nothing", async () => {
  lab.shell("bridge link set dev pb learning off");
  const untouched = state();
  const netns = ["--netns", String(lab.bridge.pid)];
  const { code, stdout, stderr } = await bridgescope(["explain", "br0", ...netns, "--no-probes"]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const command = `nsenter --net=${lab.bridge.path} -- bridge link set dev pb learning on`;
  expect(stdout.split("\n")).toContain(`    ${command}`);
  const json = await bridgescope(["explain", "br0", ...netns, "--no-probes", "--json"]);
  expect(json.code).toBe(0);
  expect(JSON.parse(json.stdout)).toMatchObject({
    schema: "bridgescope.explain/2",
    bridge: { name: "br0", namespace: { label: expect.stringContaining("sleep") } },
    probes: false,
    findings: [],
    notes: [{ cause: "learning-off", remedy: { command } }],
  });
  expect(state()).toBe(untouched);
  expect(await hostChanges(before, 3000)).toEqual({});
});

it("writes the reports that --out asks for, and report reads them back", async () => {
  const folder = mkdtempSync(join(tmpdir(), "bridgescope-explain-"));
  try {
    const out = join(folder, "why");
    const words = ["explain", "br0", "--netns", lab.bridge.path, "--no-probes", "--out", out];
    const { code, stderr } = await bridgescope(words);
    expect(code).toBe(0);
    const names = ["explain.html", "explain.md", "explain.json"];
    expect(stderr).toBe(names.map((name) => `${join(out, name)}\n`).join(""));
    expect(readdirSync(out).toSorted()).toEqual(names.toSorted());
    const page = await bridgescope(["report", out, "--format", "html"]);
    expect(page.stdout).toBe(readFileSync(join(out, "explain.html"), "utf8"));
    const wrong = await bridgescope(["report", out, "--format", "gobench"]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain("is an explanation, which has html, markdown, json, terminal");
    const nowhere = await bridgescope([...words.slice(0, -1), "/proc/why"]);
    expect(nowhere.code).toBe(2);
    expect(nowhere.stderr).toContain("cannot be written to");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("lists the bridges there are when there is none of that name", async () => {
  const netns = ["--netns", lab.bridge.path];
  const { code, stdout, stderr } = await bridgescope(["explain", "br1", ...netns]);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain('there is no bridge "br1"');
  expect(stderr).toContain("br0");
});

it("says what a device is that is no bridge", async () => {
  const { code, stderr } = await bridgescope(["explain", "pa", "--netns", lab.bridge.path]);
  expect(code).toBe(2);
  expect(stderr).toContain('"pa" is not a bridge but a port of the bridge "br0"');
});

it("takes the only bridge, and asks which where there are two", async () => {
  const netns = ["--netns", lab.bridge.path];
  const one = await bridgescope(["explain", ...netns, "--no-probes"]);
  expect(one.code).toBe(0);
  expect(one.stdout).toMatch(/^br0 \(/);
  lab.shell("ip link add br1 type bridge");
  const two = await bridgescope(["explain", ...netns]);
  lab.shell("ip link del br1");
  expect(two.code).toBe(2);
  expect(two.stderr).toMatch(/2 bridges, say which: br0 .*, br1 /);
});

it("shows names as data", async () => {
  const name = "$(id)\u001b[31m";
  lab.shell(`ip link set pc down && ip link set pc name '${name}' && ip link set '${name}' up`);
  lab.shell(`bridge link set dev '${name}' learning off`);
  const { code, stdout } = await bridgescope([
    ...["explain", "br0", "--netns", lab.bridge.path],
    "--no-probes",
  ]);
  expect(code).toBe(0);
  expect(stdout).not.toContain("\u001b");
  expect(stdout).toContain("'$(id)\\x1b[31m'");
});

it("exits with 3 for a flood above threshold, 0 without, and leaves nothing behind", async () => {
  const words = ["explain", "br0", "--netns", lab.bridge.path, "--max-overhead", "100%"];
  const untouched = state();
  const quiet = await bridgescope([...words, "--duration", "500ms"]);
  expect(quiet.code).toBe(0);
  expect(quiet.stdout).toMatch(/^br0 \(.*\): nothing above threshold in /);
  expect(quiet.stdout.split("\n").length - 1).toBeLessThanOrEqual(12);
  const folder = mkdtempSync(join(tmpdir(), "bridgescope-explain-"));
  const out = join(folder, "why");
  const running = start([...words, "--duration", "60s", "--out", out]);
  await running.saw("looking at frames");
  let told = false;
  void running.saw("one flood above threshold so far: never-learned").then(() => {
    told = true;
  });
  while (!told) {
    lab.got("c", { from: "a", to: "02:00:00:00:99:99", count: 50 });
    await sleep(20);
  }
  running.process.kill("SIGINT");
  const { code, stdout } = await running.finished;
  expect(code).toBe(3);
  // The answer, once, on a screen; what netlink tells besides is for --full.
  expect(stdout).toMatch(/^br0 \(.*\): one flood above threshold in /);
  expect(stdout.split("\n").length - 1).toBeLessThanOrEqual(30);
  expect(stdout.match(/1\. never-learned, /g)).toHaveLength(1);
  const document = JSON.parse(readFileSync(join(out, "explain.json"), "utf8"));
  rmSync(folder, { recursive: true });
  expect(document).toMatchObject({
    probes: true,
    findings: [{ kind: "flood", cause: "never-learned", destination: "02:00:00:00:99:99" }],
  });
  expect(await hostChanges(before, 3000)).toEqual({});
  // a was heard, which is what bridges do.
  const learned = (text: string) =>
    text
      .split("\n")
      .filter((line) => !line.startsWith("02:00:00:00:0b:0a"))
      .join("\n");
  expect(learned(state())).toBe(learned(untouched));
});

it.each([
  ["--duration", "soon"],
  ["--max-overhead", "0"],
  ["--max-overhead", "200%"],
  ["--moves", "many"],
  ["--lost", "some"],
  ["--fail-on", "loss"],
])("refuses %s %s before anything is attached", async (option, value) => {
  const words = ["explain", "br0", "--netns", lab.bridge.path, option, value];
  const { code, stderr, stdout } = await bridgescope(words);
  expect(code).toBe(2);
  expect(stderr).toContain(option);
  expect(stdout).toBe("");
});

it("has a schema that its documents meet", async () => {
  const { code, stdout } = await bridgescope(["schema", "explain"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout).properties.schema.const).toBe("bridgescope.explain/2");
  const run = await bridgescope(["schema"]);
  expect(JSON.parse(run.stdout).properties.schema.const).toBe("bridgescope.run/2");
  const none = await bridgescope(["schema", "nonsense"]);
  expect(none.code).toBe(2);
  expect(none.stderr).toContain("run, compare, explain, lint, watch");
});
