import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runSchema } from "../../../src/document/run.ts";
import { bench } from "../../../src/index.ts";
import { type Finished, scratch, start } from "../bench/cli.ts";
import { hostChanges, hostState, uniqueName } from "../host-state.ts";
import { fixture, type Machine, newMachine } from "./machine.ts";
import { noProcessWith, processesWith } from "./no-process.ts";

let machine: Machine;
let folder: ReturnType<typeof scratch>;

/** `bench` on the test's machine; `more` are further arguments. */
function bench1(setup: string[], teardown: string[] | null, ...more: string[]) {
  const args = ["bench", "--topology", "external", "--setup", JSON.stringify(setup)];
  if (teardown !== null) args.push("--teardown", JSON.stringify(teardown));
  args.push("--duration", "50ms", "--out", join(folder.path, "out"), ...more);
  return start(args, {}, machine.enter);
}

const bridge = (action: string) => [fixture("bridge.sh"), action, "demo"];

/** Writes what it is called with to the log before it does what it should. */
function logged(command: string[]): string[] {
  const script = join(folder.path, "logged.sh");
  writeFileSync(script, `#!/bin/sh\necho "$@" >> ${folder.path}/log\nexec "$@"\n`, { mode: 0o755 });
  return [script, ...command];
}

/** Takes the bridge away, if both namespaces can be entered by the paths that it is given. */
const enteringTeardown = () => [
  "sh",
  "-ec",
  `for path; do nsenter --net="$path" true; done; exec ${fixture("bridge.sh")} del demo`,
  "sh",
];

/** What was run, a list of words each. */
const log = () =>
  readFileSync(join(folder.path, "log"), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(" "));

/** Rounds of frames that are not over before the test is. */
const LONG = ["--workload", "forward", "--rounds", "200"];

/** Waits until frames of a round pass the network's bridge. */
async function inARound(): Promise<void> {
  const passed = () => {
    const [port] = JSON.parse(machine.ip("-j", "-s", "link", "show", "demo-1"));
    return port.stats64.rx.packets;
  };
  await expect.poll(passed, { interval: 20, timeout: 30_000 }).toBeGreaterThan(1000);
}

const documentOf = ({ stdout }: Finished) => runSchema.parse(JSON.parse(stdout));

describe("bench --topology external", () => {
  beforeEach(() => {
    machine = newMachine();
    folder = scratch();
  });
  afterEach(() => {
    machine.close();
    folder.remove();
  });

  it("gives a whole document, says that there are no probes, and leaves nothing", async () => {
    const before = hostState();
    const words = ["--workload", "forward", "--workload", "ping", "--workload", "udp-rr"];
    const more = [...words, "--workload", "tcp-stream", "--rounds", "2", "--json"];
    const finished = await bench1(logged(bridge("add")), logged(bridge("del")), ...more).finished;
    expect(finished.code).toBe(0);
    const run = documentOf(finished);
    expect(run.state).toBe("complete");
    expect(run.cases.map((one) => one.id)).toEqual(
      ["forward", "ping", "udp-rr", "tcp-stream"].map((workload) => `external/${workload}`),
    );
    for (const one of run.cases) {
      expect(one.state).toBe("complete");
      expect(one.warnings[0]).toMatch(/without probes: external has no bridge of ours/);
      expect(one.probe).toBeUndefined();
      expect(one.bridge).toBeUndefined();
      expect(one.lab.ports.map(({ name, namespace }) => [name, namespace])).toEqual([
        ["eth0", "h1"],
        ["eth0", "h2"],
      ]);
      expect(one.metrics.setup_time?.samples[0]).toBeGreaterThan(1e6);
      expect(one.rounds.map(({ side }) => side)).toEqual(["off", "off"]);
    }
    const [forward] = run.cases;
    expect(forward?.workload).toMatchObject({ frameSize: 60, udpPort: 9 });
    expect(forward?.metrics.frame_loss?.samples).toEqual([0, 0]);
    expect(forward?.metrics.ns_per_frame?.samples).toHaveLength(2);
    // Every case has a network of its own, and each teardown got the paths of its set-up.
    const calls = log();
    expect(calls.map((call) => call[1])).toEqual(Array(4).fill(["add", "del"]).flat());
    for (let at = 0; at < calls.length; at += 2) {
      expect(calls[at + 1]?.slice(3)).toEqual(calls[at]?.slice(3));
    }
    expect(await machine.devicesOnce(["lo"])).toEqual(["lo"]);
    expect(await hostChanges(before, 2000)).toEqual({});
  });

  it("runs on the host itself, as a plugin does: the library, and a router with a name there", async () => {
    const before = hostState();
    const name = uniqueName();
    const run = await bench({
      topology: ["external"],
      workload: ["forward"],
      setup: [fixture("routed.sh"), "add", name],
      teardown: [fixture("routed.sh"), "del", name],
      backend: "off",
      rounds: 1,
      duration: "50ms",
    });
    expect(run.cases[0]?.error).toBeNull();
    expect(run.cases[0]?.warnings).toEqual([]);
    expect(run.cases[0]?.metrics.frame_loss?.samples).toEqual([0]);
    expect(await hostChanges(before, 2000)).toEqual({});
  });

  it("a set-up that fails ends with 1 and its last line, in a document", async () => {
    const setup = ["sh", "-c", "echo 'no subnet left' >&2; exit 7"];
    const finished = await bench1(setup, null, "--workload", "ping", "--json").finished;
    expect(finished.code).toBe(1);
    const run = documentOf(finished);
    expect(run.cases[0]?.error).toMatch(/set-up command sh -c .* failed with 7: no subnet left$/);
    expect(run.cases[0]?.metrics).toEqual({});
  });

  it("a teardown that fails is a warning of the case", async () => {
    const teardown = ["sh", "-c", "echo busy >&2; exit 5"];
    const more = ["--workload", "ping", "--rounds", "1", "--json"];
    const finished = await bench1(bridge("add"), teardown, ...more).finished;
    expect(finished.code).toBe(0);
    const [, told] = documentOf(finished).cases[0]?.warnings ?? [];
    expect(told).toMatch(/^the teardown command sh -c .* failed with 5: busy; .* still be there$/);
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s: the finished rounds are kept and the teardown runs", async (signal, code) => {
    const more = [...LONG, "--json"];
    const running = bench1(logged(bridge("add")), logged(bridge("del")), ...more);
    await running.saw("[1/1]");
    expect(await machine.devicesOnce(["demo", "demo-1", "demo-2", "lo"])).toHaveLength(4);
    await inARound();
    running.process.kill(signal);
    const finished = await running.finished;
    expect(finished.code).toBe(code);
    expect(documentOf(finished).state).toBe("interrupted");
    const calls = log();
    expect(calls.map((call) => call[1])).toEqual(["add", "del"]);
    expect(await machine.devicesOnce(["lo"])).toEqual(["lo"]);
  });

  it("SIGTERM to all that belongs to the run: the namespaces stay until the teardown has ended", async () => {
    const more = [...LONG, "--json"];
    const running = bench1(logged(bridge("add")), enteringTeardown(), ...more);
    await running.saw("[1/1]");
    expect(await machine.devicesOnce(["demo", "demo-1", "demo-2", "lo"])).toHaveLength(4);
    await inARound();
    const [, holder] = /^\/proc\/(\d+)\/fd/.exec(log()[0]?.at(-1) ?? "") ?? [];
    process.kill(Number(holder), "SIGTERM");
    await sleep(100);
    running.process.kill("SIGTERM");
    const finished = await running.finished;
    expect(finished.code).toBe(143);
    expect(documentOf(finished).cases[0]?.warnings).toHaveLength(1);
    expect(await machine.devicesOnce(["lo"])).toEqual(["lo"]);
  });

  it("SIGKILL in a round: the teardown runs all the same, with paths that are good", async () => {
    const before = hostState();
    const running = bench1(bridge("add"), enteringTeardown(), ...LONG);
    await running.saw("[1/1]");
    expect(await machine.devicesOnce(["demo", "demo-1", "demo-2", "lo"])).toHaveLength(4);
    await inARound();
    running.process.kill("SIGKILL");
    await running.finished;
    expect(await machine.devicesOnce(["lo"])).toEqual(["lo"]);
    expect(await hostChanges(before, 2000)).toEqual({});
  });

  it("SIGKILL, and a teardown that hangs with a child: it is ended at the limit", async () => {
    const word = `304.${process.pid}`;
    const teardown = [
      "sh",
      "-c",
      `ip link add seen type bridge; sleep ${word} & sleep ${word}; true`,
    ];
    const running = bench1(bridge("add"), teardown, ...LONG, "--setup-limit", "2s");
    await running.saw("[1/1]");
    await machine.devicesOnce(["demo", "demo-1", "demo-2", "lo"]);
    await inARound();
    running.process.kill("SIGKILL");
    await running.finished;
    expect(await machine.devicesOnce(["demo", "demo-1", "demo-2", "lo", "seen"])).toContain("seen");
    expect(processesWith(word)).not.toEqual([]);
    await noProcessWith(word);
  });

  it("a second Ctrl-C in the middle of the teardown: it is begun anew and ends", async () => {
    const slow = ["sh", "-c", `sleep 2; exec ${fixture("bridge.sh")} del demo`];
    const running = bench1(bridge("add"), logged(slow), ...LONG);
    await running.saw("[1/1]");
    expect(await machine.devicesOnce(["demo", "demo-1", "demo-2", "lo"])).toHaveLength(4);
    await inARound();
    running.process.kill("SIGINT");
    await running.saw("interrupted");
    // Sooner, it would be taken for the same key press.
    await sleep(700);
    running.process.kill("SIGINT");
    expect((await running.finished).code).toBe(130);
    expect(await machine.devicesOnce(["lo"], 5000)).toEqual(["lo"]);
    expect(log()).toHaveLength(2);
  });

  it("SIGKILL in the middle of a set-up: that is ended with its children, then torn down", async () => {
    const word = `303.${process.pid}`;
    const text = `ip link add demo type bridge; sleep ${word} & sleep ${word}; true`;
    const running = bench1(["sh", "-c", text], bridge("del"));
    expect(await machine.devicesOnce(["demo", "lo"])).toEqual(["demo", "lo"]);
    running.process.kill("SIGKILL");
    await running.finished;
    await noProcessWith(word);
    expect(await machine.devicesOnce(["lo"])).toEqual(["lo"]);
  });
});

describe.concurrent("bad input", () => {
  const args = (...words: string[]) => ["bench", "--topology", ...words];
  it.for<[string[], RegExp]>([
    [args("external"), /external needs the command that connects its two namespaces: --setup/],
    [args("external", "--setup", "./x add"), /--setup expects .* JSON array .*, not \.\/x add/],
    [args("external", "--setup", "[]"), /--setup expects .* JSON array of strings/],
    [args("external", "--setup", '["x",1]'), /--setup expects .* JSON array of strings/],
    [args("external,mtu=9000", "--setup", '["x"]'), /external takes no options/],
    [args("external", "--setup", '["x"]', "--teardown", "{}"), /--teardown expects/],
    [args("external", "--setup", '["x"]', "--workload", "flood"), /flood does not run on external/],
    [args("external", "--setup", '["x"]', "--backend", "tracepoint"), /observes a bridge of ours/],
    [
      args("external", "--setup", '["x"]', "--workload", "throughput", "--pattern", "flood"),
      /throughput: pattern flood does not run on external/,
    ],
    [args("external", "--setup", '["x"]', "--kernel", "debian:bookworm"), /--setup is for `bench`/],
    [args("attach:a,b", "--kernel", "debian:bookworm"), /a guest has none of it/],
    [args("bridge:2", "--setup", '["x"]'), /--setup connects --topology external/],
    [args("bridge:2", "--teardown", '["x"]'), /--teardown goes with --setup/],
    [args("attach:a"), /attach expects two namespaces/],
    [args("attach:a,b,c"), /attach expects two namespaces/],
    [["lab", "up", "attach:a,b"], /attach:a is a network to measure, for `bench`/],
  ])("%j ends with 2 and a sentence", async ([words, message], { expect }) => {
    const { code, stderr } = await start(words).finished;
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});
