import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { explainSchema } from "../../../src/document/explain.ts";
import { start } from "../bench/cli.ts";
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

/** Of a minute that it is to look, it looks until a flood is told and then `act` takes the bridge away. */
async function explainUntil(act: () => unknown, ...words: string[]) {
  const netns = ["--netns", String(lab.bridge.pid), "--max-overhead", "100%"];
  const running = start(["explain", "br0", ...netns, "--duration", "60s", ...words]);
  await running.saw("looking at frames");
  let told = false;
  void running.saw("1 flood above threshold so far: never-learned").then(() => {
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
