/** Somebody else's bpftrace beside a bench: named when it is there, and its coming and going spoils no pair. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compareSchema } from "../../../src/document/compare.ts";
import { type Run, runSchema } from "../../../src/document/run.ts";
import { ForeignProbes } from "../../../src/probes/foreign.ts";
import { type Stranger, stranger } from "../probes/bpftrace.ts";
import { bridgescope, scratch, start } from "./cli.ts";

const EVENTS = ["netif_receive_skb", "net_dev_queue", "netif_rx", "net_dev_xmit"];
const TEXT = EVENTS.map((name) => `tracepoint:net:${name} { @[probe] = count(); }`).join(" ");

let folder: ReturnType<typeof scratch>;
const strangers: Stranger[] = [];
beforeEach(() => {
  folder = scratch();
});
afterEach(async () => {
  for (const one of strangers.splice(0)) await one.end();
  folder.remove();
});

async function come(): Promise<Stranger> {
  const one = await stranger(TEXT);
  strangers.push(one);
  return one;
}

const read = (name: string): unknown => JSON.parse(readFileSync(join(folder.path, name), "utf8"));
const places = (run: Run, pid: number) =>
  (run.environment.foreignProbes ?? [])
    .filter((one) => one.pid === pid && one.process === "bpftrace")
    .map(({ where }) => where)
    .toSorted();
function everybody(): readonly string[] {
  const probes = ForeignProbes.open(() => []);
  const found = probes?.look([], true) ?? [];
  probes?.close();
  return found;
}

const EVERYWHERE = EVENTS.map((name) => `net:${name}`).toSorted();

test("a run is said to be measured under it, in its first line, and its own probes are not", async () => {
  const other = await come();
  const words = ["bench", "--topology", "bridge:2", "--workload", "forward", "--rounds", "2"];
  words.push("--latency-sessions", "1");
  const { code, stdout } = await bridgescope([...words, "--out", folder.path]);
  expect(code).toBe(0);
  const run = runSchema.parse(read("run.json"));
  expect(places(run, other.pid)).toEqual(EVERYWHERE);
  expect(run.cases[0]?.foreignProbes?.filter(({ pid }) => pid === other.pid)).toHaveLength(4);
  // It is at every end and inside every stage: no net time stands over that.
  const latencies = Object.values(run.cases[0]?.latency ?? {});
  expect(latencies).toHaveLength(4);
  for (const { p50, raw, withheld } of latencies) {
    expect([p50, raw.p50 > 0]).toEqual([null, true]);
    expect(withheld).toContain(`bpftrace (pid ${other.pid})`);
  }
  expect(stdout).toMatch(/^Measured under foreign probes: /);
  expect(stdout.replace(/\n +/g, " ")).toContain(`bpftrace (pid ${other.pid}): `);
  await other.end();
  const before = everybody();
  const again = await bridgescope([...words, "--out", join(folder.path, "again")]);
  expect(again.code).toBe(0);
  const alone = runSchema.parse(read("again/run.json"));
  expect(alone.cases[0]?.probe?.backend).not.toBeUndefined();
  expect(places(alone, other.pid)).toEqual([]);
  expect(alone.cases[0]?.latency["bridge.forward"]?.sampled).toBeGreaterThan(50);
  // Our own bpftrace was there in the counting rounds; nobody else's, where nobody else runs any.
  if (before.length + everybody().length === 0) {
    expect(alone.environment.foreignProbes).toEqual([]);
    expect(again.stdout).not.toContain("foreign probes");
  }
});

test("pairs of bench --vs during which it comes or goes do not count, and are replaced", async () => {
  const words = ["bench", "--topology", "bridge:2", "--vs", "bridge:2", "--workload", "forward"];
  const running = start([...words, "--budget", "25s", "--out", folder.path]);
  await running.saw("% of the budget");
  // What comes in the warm-up is left out with it.
  const measured = () => readFileSync(join(folder.path, "journal.ndjson"), "utf8");
  await expect.poll(measured, { timeout: 60_000, interval: 50 }).toContain('"block":1');
  const pids: number[] = [];
  for (let turn = 0; turn < 4; turn++) {
    const one = await come();
    pids.push(one.pid);
    // While labs are built nobody looks.
    await expect.poll(measured, { timeout: 60_000, interval: 50 }).toContain(`"pid":${one.pid},`);
    await one.end();
  }
  const { code, stderr } = await running.finished;
  expect(stderr).not.toMatch(/^\s+at /m);
  expect([0, 3]).toContain(code);
  const base = runSchema.parse(read("base/run.json"));
  const candidate = runSchema.parse(read("candidate/run.json"));
  const comparison = compareSchema.parse(read("compare.json"));
  for (const pid of pids) expect(places(base, pid)).toEqual(EVERYWHERE);
  const [one, other] = [base.cases[0], candidate.cases[0]];
  const reasons = (item: typeof one) => item?.rounds.map(({ discarded }) => discarded) ?? [];
  expect(reasons(other)).toEqual(reasons(one));
  const told = reasons(one).filter((reason) => reason?.startsWith("other people's probes"));
  expect(told.length).toBeGreaterThan(0);
  for (const reason of told) expect(reason).toMatch(/probes (came|went) \(bpftrace \(pid \d+\): /);
  const sessions = one?.sessions ?? [];
  expect(sessions.reduce((sum, session) => sum + (session.discarded ?? 0), 0)).toBe(told.length);
  const counting = reasons(one).filter((reason) => reason === null).length;
  expect(sessions.reduce((sum, session) => sum + session.pairs, 0)).toBe(counting);
  const [verdict] = comparison.verdicts;
  expect(verdict?.baseRounds).toBe(sessions[0]?.pairs);
  expect(verdict?.reason).not.toContain("only");
});
