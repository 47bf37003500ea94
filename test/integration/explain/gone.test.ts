import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { placeOf } from "../../../src/bridge/find-namespace.ts";
import { BridgeGoneError, readBridge } from "../../../src/bridge/read-bridge.ts";
import { explainSchema } from "../../../src/document/explain.ts";
import { explainBridge } from "../../../src/explain/explain.ts";
import { watchBridges } from "../../../src/watch/watch.ts";
import { scratch, start } from "../bench/cli.ts";
import { type HostState, hostChanges, hostState } from "../host-state.ts";
import { type FloodLab, floodLab, macOf } from "./lab.ts";

let lab: FloodLab;
let before: HostState;

beforeEach(async () => {
  before = hostState();
  lab = await floodLab();
});
afterEach(async () => {
  await lab.leave();
});

const MINUTE = ["--max-overhead", "100%", "--duration", "60s"];

/** Of a minute that it is to look, it looks until a flood is told and then `act` takes the bridge away. */
async function explainUntil(act: () => unknown, ...words: string[]) {
  const running = start(["explain", "br0", "--netns", String(lab.bridge.pid), ...MINUTE, ...words]);
  await running.saw("looking at frames");
  let told = false;
  void running.saw("one flood above threshold so far: never-learned").then(() => {
    told = true;
  });
  while (!told) {
    lab.got("c", { from: "a", to: macOf("b"), count: 50, settleMs: 10 });
    await sleep(20);
  }
  await act();
  return running.finished;
}

const SENTENCE =
  'bridgescope: the bridge "br0" was deleted, or its network namespace is gone; the answer is of the time before';

it("answers with what it has when the bridge is deleted, and says so", async () => {
  const entry = `bridge fdb replace ${macOf("b")} dev pb master static`;
  const { code, stdout, stderr } = await explainUntil(() =>
    lab.shell(`${entry} && ip link del br0`),
  );
  expect(code).toBe(1);
  expect(stderr.trim().split("\n").at(-1)).toBe(SENTENCE);
  expect(stderr).not.toContain("defect");
  expect(stdout).toContain("one flood above threshold in ");
  expect(stdout).toContain("1. never-learned, ");
  expect(stdout).toContain('the bridge "br0" was deleted');
  // The entry went with the bridge: nobody had deleted that.
  expect(stdout).not.toContain("entry-removed");
  expect(await hostChanges(before, 3000)).toEqual({});
});

it("does the same as a document when the namespace is gone", async () => {
  const { code, stdout, stderr } = await explainUntil(() => lab.leave(), "--json");
  expect(code).toBe(1);
  expect(stderr.trim().split("\n").at(-1)).toBe(SENTENCE);
  const document = explainSchema.parse(JSON.parse(stdout));
  expect(document).toMatchObject({
    ...{ probes: true, ended: "bridge-gone" },
    findings: [{ cause: "never-learned", destination: macOf("b") }],
  });
  expect(document.notes[0]?.text).toContain('the bridge "br0" was deleted, or its network');
  expect(document.seconds).toBeLessThan(60);
  expect(await hostChanges(before, 3000)).toEqual({});
});

it("has what it found in its bundle and its reports too", async () => {
  const folder = scratch();
  const [out, bundle] = [join(folder.path, "out"), join(folder.path, "bundle")];
  try {
    const { code, stderr } = await explainUntil(
      () => lab.shell("ip link del pa && ip link del pb && ip link del br0"),
      ...["--out", out, "--bundle", bundle],
    );
    expect(code).toBe(1);
    expect(stderr.trim().split("\n").at(-1)).toBe(SENTENCE);
    const read = (name: string) => JSON.parse(readFileSync(join(bundle, name), "utf8"));
    const [stored, told] = [join(out, "explain.json"), join(bundle, "explanation.json")].map(
      (file) => explainSchema.parse(JSON.parse(readFileSync(file, "utf8"))),
    );
    expect(stored).toEqual(told);
    expect(told).toMatchObject({
      ended: "bridge-gone",
      // By its state of before: of the bridge that is gone there is no port.
      findings: [{ cause: "never-learned", ingressPort: { name: "pa" } }],
    });
    expect(read("state.json").ports).toHaveLength(3);
    expect(read("collected.json").flows).not.toEqual([]);
  } finally {
    folder.remove();
  }
});

it("says so where the bridge goes before the probes are there, and while they are attached", async () => {
  const whole = ["explain", "br0", "--netns", String(lab.bridge.pid), ...MINUTE];
  const running = start(whole);
  await running.saw("attaching the probes");
  lab.shell("ip link del br0");
  const { code, stdout, stderr } = await running.finished;
  expect([code, stderr.trim().split("\n").at(-1)]).toEqual([1, SENTENCE]);
  expect(stdout).toContain("nothing above threshold");

  lab.shell("ip link add br0 type bridge && ip link set br0 up");
  const before = await explainBridge({
    ...{ bridge: "br0", netns: String(lab.bridge.pid), seconds: 60, maxOverhead: 1 },
    // One of the same name is another bridge.
    onFirst: () => lab.shell("ip link del br0 && ip link add br0 type bridge"),
  });
  expect(before).toMatchObject({ ended: "bridge-gone", findings: [], probes: true });
  const meanwhile = await explainBridge({
    ...{ bridge: "br0", netns: String(lab.bridge.pid), seconds: 60, maxOverhead: 1 },
    onCounting: () => lab.shell("ip link del br0"),
  });
  expect(meanwhile).toMatchObject({ ended: "bridge-gone", findings: [], probes: true });
});

it("goes on by its ifindex where the bridge is renamed", async () => {
  const entry = `bridge fdb replace ${macOf("b")} dev pb master static`;
  const explanation = await explainBridge({
    ...{ bridge: "br0", netns: String(lab.bridge.pid), seconds: 4, maxOverhead: 1 },
    onFirst: () => lab.shell(entry),
    onCounting: () => {
      lab.shell("ip link set br0 name renamed");
      lab.shell(`bridge fdb del ${macOf("b")} dev pb master`);
      lab.got("c", { from: "a", to: macOf("b"), count: 100, settleMs: 10 });
    },
  });
  expect(explanation).toMatchObject({ ended: null, bridge: { name: "renamed" } });
  expect(explanation.notes.map(({ text }) => text).join()).toContain("has got another name");
  expect(explanation.findings).toMatchObject([{ cause: "entry-removed", destination: macOf("b") }]);
});

it("is read or said to be gone, whatever comes and goes meanwhile", async () => {
  const cycle = [
    ...["ip link add brx index 77 type bridge", "ip link add px master brx type veth peer name py"],
    ...["ip link del brx", "ip link del px"],
  ];
  const [file = "", ...words] = lab.bridge.enter;
  const child = spawn(file, [...words, "sh", "-c", `while :; do ${cycle.join("; ")}; done`], {
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  const place = await placeOf(String(lab.bridge.pid));
  const seen = { read: 0, gone: 0 };
  const limit = performance.now() + 60_000;
  try {
    // Two hundred times, and until both were met.
    for (let reading = 0; reading < 200 || seen.read === 0 || seen.gone === 0; reading++) {
      expect(performance.now()).toBeLessThan(limit);
      await readBridge(place, 77).then(
        () => seen.read++,
        (error: unknown) => {
          expect(error).toBeInstanceOf(BridgeGoneError);
          seen.gone++;
        },
      );
      await nextTurn();
    }
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
});

it("is a sentence of watch's as well, with its namespace or before anything is attached", async () => {
  const netns = String(lab.bridge.pid);
  const running = start(["watch", "br0", "--netns", netns, "--json", "--interval", "200ms"]);
  await running.saw('"br0"');
  lab.shell("ip link set br0 name renamed");
  await running.saw('"renamed"');
  await lab.leave();
  const { code, stderr } = await running.finished;
  expect([code, stderr]).toEqual([1, `${SENTENCE.split(";")[0]}\n`]);

  lab = await floodLab();
  const records = watchBridges({
    ...{ bridge: "br0", netns: String(lab.bridge.pid), intervalSeconds: 0.2 },
    onFirst: () => lab.shell("ip link del br0 && ip link add br0 type bridge"),
  });
  await expect(records.next()).rejects.toThrow('the bridge "br0" was deleted');
});

it("says all of this of a name that a terminal would obey", async () => {
  const hostile = "b\u001b[2J$(id)";
  lab.shell(`ip link set br0 name '${hostile}'`);
  const words = [hostile, "--netns", String(lab.bridge.pid)];
  const running = start(["explain", ...words, ...MINUTE]);
  await running.saw("looking at frames");
  lab.shell(`ip link del '${hostile}'`);
  const explained = await running.finished;
  expect(explained.code).toBe(1);
  expect(explained.stderr).toContain(String.raw`the bridge "b\x1b[2J$(id)" was deleted`);
  const said = [explained, await start(["explain", ...words]).finished];
  said.push(await start(["watch", ...words]).finished);
  said.push(await start(["watch", "br0", "--netns", hostile]).finished);
  for (const { stdout, stderr } of said) {
    expect(stderr).toContain(String.raw`b\x1b[2J$(id)`);
    expect(stdout + stderr).not.toContain("\u001b[2J");
  }
});
