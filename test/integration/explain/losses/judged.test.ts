/** Losses and policies from the command line: what they exit with, what is said, and that a bundle gives the same answer. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Explanation, explainSchema } from "../../../../src/document/explain.ts";
import { explainedBy } from "../../../../src/explain/explain.ts";
import { bridgescope, type Finished, scratch, start } from "../../bench/cli.ts";
import { type FloodLab, floodLab, macOf } from "../lab.ts";

const GONE = "02:00:00:00:99:99";

let lab: FloodLab;
const folder = scratch();

beforeAll(async () => {
  lab = await floodLab();
  for (const host of ["a", "b", "c"] as const)
    lab.got(host, { from: host, to: macOf(host), count: 1, settleMs: 10 });
});
afterAll(async () => {
  await lab.leave();
  folder.remove();
});

/** What the command says while frames are sent. */
async function explainDuring(act: () => void, ...words: string[]): Promise<Finished> {
  const running = start([
    ...["explain", "br0", "--netns", lab.bridge.path, "--duration", "1s", "--max-overhead", "100%"],
    ...words,
  ]);
  await running.saw("looking at frames");
  let over = false;
  const finished = running.finished.finally(() => {
    over = true;
  });
  while (!over) {
    act();
    await sleep(20);
  }
  return finished;
}

const send = (to: string) => lab.got("c", { from: "a", to, count: 10, settleMs: 10 });
const documentOf = ({ stdout }: Finished): Explanation => explainSchema.parse(JSON.parse(stdout));

it("a loss exits with 3, is told with how much of what, and follows from its bundle", async () => {
  lab.shell("tc qdisc add dev pb root blackhole");
  const both = () => {
    send(macOf("b"));
    send(macOf("c"));
  };
  const bundle = join(folder.path, "loss");
  const seen = await explainDuring(both, "--json", "--bundle", bundle);
  expect(seen.code).toBe(3);
  // What b gets is lost, and nothing of what c gets.
  const { findings, below, notes } = documentOf(seen);
  expect(findings).toMatchObject([
    {
      ...{ kind: "loss", severity: "high", source: macOf("a"), destination: macOf("b") },
      ...{ ingressPort: { name: "pa" }, reason: "QDISC_DROP", copies: 0 },
      victims: [{ port: { name: "pb" } }],
    },
  ]);
  const [loss] = findings;
  expect(loss?.lost).toBe(loss?.frames);
  expect(loss?.lost).toBeGreaterThan(20);
  expect(loss?.victims[0]?.copies).toBe(loss?.lost);
  expect(loss?.evidence[0]).toMatch(/^(\d+) of \1 frames of .* \(QDISC_DROP\) at pb$/);
  expect(below).toEqual([]);
  expect(notes.filter(({ about }) => about === "frames")).toEqual([]);

  const read = (name: string) => JSON.parse(readFileSync(join(bundle, name), "utf8"));
  const told = explainSchema.parse(read("explanation.json"));
  const looked = {
    ...{ before: read("before.json"), state: read("state.json") },
    collected: read("collected.json"),
  };
  const again = { ...explainedBy(looked, told.thresholds), time: told.time };
  expect(JSON.parse(JSON.stringify(again))).toEqual(read("explanation.json"));

  const { code, stdout } = await explainDuring(both);
  expect(code).toBe(3);
  expect(stdout).toMatch(
    /^br0 \(.*\): one loss above threshold in \d\.\d s, (\d+) of \1\s+frames\s+lost\n/,
  );
  expect(stdout.split("\n").length - 1).toBeLessThanOrEqual(30);
  lab.shell("tc qdisc del dev pb root");
  const healed = await explainDuring(both, "--json");
  expect(documentOf(healed).findings).toEqual([]);
  expect(healed.code).toBe(0);
});

it("a policy is listed and exits with 0, but with --fail-on policy", async () => {
  for (const port of ["pa", "pb", "pc"]) lab.shell(`bridge link set dev ${port} flood off`);
  const unknown = () => void send(GONE);
  const seen = await explainDuring(unknown, "--json", "--fail-on", "policy");
  expect(documentOf(seen).findings).toMatchObject([
    { kind: "policy", cause: "flood-off", severity: "low", destination: GONE },
  ]);
  expect(seen.code).toBe(3);
  const passed = await explainDuring(unknown);
  expect(passed.code).toBe(0);
  expect(passed.stdout.replaceAll(/\s+/g, " ")).toMatch(
    /^br0 \(.*\): nothing above threshold in \d\.\d s, and one policy drops [\d,]+ frames; /,
  );
  expect(passed.stdout).toContain("1. flood-off, policy: flood is off at all other ports");
  // One other port that gets them is a flood, and no policy.
  lab.shell("bridge link set dev pc flood on");
  const flood = await explainDuring(unknown, "--json");
  expect(documentOf(flood).findings).toMatchObject([{ kind: "flood", destination: GONE }]);
  expect(flood.code).toBe(3);
});

it("what it is to fail on is asked of frames alone", async () => {
  const words = ["explain", "br0", "--netns", lab.bridge.path, "--no-probes"];
  const { code, stderr } = await bridgescope([...words, "--fail-on", "policy"]);
  expect(code).toBe(2);
  expect(stderr).toContain("--fail-on");
});
