import { spawn } from "node:child_process";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { watchSchema } from "../../../src/document/watch.ts";
import { columns } from "../../../src/text/layout.ts";
import { bridgescope, MAIN, start, startOnTerminal } from "../bench/cli.ts";
import { type FloodLab, floodLab, macOf } from "../explain/lab.ts";
import { type HostState, hostChanges, hostState, tagged } from "../host-state.ts";

let lab: FloodLab;
let before: HostState;
let netns: string[];

async function enter(): Promise<void> {
  before = hostState();
  lab = await floodLab();
  netns = ["--netns", String(lab.bridge.pid)];
}

async function leave(): Promise<void> {
  await lab.leave();
  expect(await hostChanges(before, 3000)).toEqual({});
}

/** Everything of the bridge that watching could change; timers run by themselves. */
function state(): string {
  const shown = lab.shell("ip -d link; bridge -d link; bridge fdb; ip neigh; ip addr");
  return shown.replace(/timer +[\d.]+/g, "timer");
}

const records = (stdout: string) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => watchSchema.parse(JSON.parse(line)));

describe("watch --json", () => {
  beforeEach(enter);
  afterEach(leave);

  it("prints a record an interval for as long as it was asked to, and changes nothing", async () => {
    const untouched = state();
    const args = ["watch", "br0", ...netns, "--json", "--interval", "300ms", "--duration", "1s"];
    const { code, stdout, stderr } = await bridgescope(args);
    expect([code, stderr]).toEqual([0, ""]);
    expect(records(stdout)).toHaveLength(4);
    expect(records(stdout)[0]).toMatchObject({
      bridge: { name: "br0" },
      lost: 0,
      fdb: { more: 0 },
    });
    expect(state()).toBe(untouched);
  });

  it.each([
    ["SIGINT", 0],
    ["SIGTERM", 143],
  ] as const)("ends at once by %s, with exit status %i and what it has", async (signal, code) => {
    const running = start(["watch", "br0", ...netns, "--json", "--interval", "200ms"]);
    await running.saw("br0");
    running.process.kill(signal);
    const finished = await running.finished;
    expect(finished.code).toBe(code);
    for (const record of records(finished.stdout)) expect(record.bridge.name).toBe("br0");
  });

  it("ends when its reader has gone", async () => {
    const words = ["watch", "br0", ...netns, "--json", "--interval", "200ms"];
    const command = `"$0" "$@" | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const child = spawn("bash", ["-c", command, process.execPath, MAIN, ...words], {
      env: { ...process.env, ...tagged },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.on("data", (data) => {
      said += String(data);
    });
    await new Promise((resolve) => child.once("close", resolve));
    const [line = "", status] = said.trim().split("\n");
    expect(watchSchema.parse(JSON.parse(line)).bridge.name).toBe("br0");
    expect(status).toBe("141");
  });
});

describe("watch", () => {
  beforeEach(enter);
  afterEach(leave);

  it("prints tables where there is no terminal", async () => {
    const args = ["watch", "br0", ...netns, "--duration", "400ms", "--no-probes", "--sort", "name"];
    const { code, stdout } = await bridgescope(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/br0 in pid \d+ \(sleep\), 3 ports/);
    expect(stdout).toMatch(/\nhost .*\npa .*\npb .*\npc /);
  });

  it("says that the bridge is gone", async () => {
    const running = start(["watch", "br0", ...netns, "--no-probes", "--interval", "200ms"]);
    await running.saw("br0");
    lab.shell("ip link del br0");
    const { code, stderr } = await running.finished;
    expect(code).toBe(1);
    expect(stderr).toBe(
      'bridgescope: the bridge "br0" was deleted, or its network namespace is gone\n',
    );
  });
});

/** On a busy machine the probes would be detached, and what is waited for not be there. */
const WATCH = ["watch", "br0", "--max-overhead", "100%"];

describe("on a terminal", () => {
  beforeEach(enter);
  afterEach(leave);

  it.each([80, 40])(
    "of %i columns it shows the ports, and gives the terminal back",
    async (width) => {
      const name = "$(id)\u001b[31m";
      lab.shell(`ip link set pc down && ip link set pc name '${name}' && ip link set '${name}' up`);
      const running = startOnTerminal([...WATCH, ...netns, "--interval", "300ms"], width);
      await running.saw("of a CPU");
      running.type("s");
      await running.saw("sort out");
      running.type("q");
      const { code, stdout: written } = await running.finished;
      expect(code).toBe(0);
      const [, ...screens] = written.split("\u001b[H");
      const screen = (screens.at(-1) ?? "").split("\u001b[J")[0] ?? "";
      const lines = screen.replaceAll("\u001b[K", "").split(/\r?\r\n/);
      for (const line of lines) expect(columns(line)).toBeLessThanOrEqual(width);
      expect(screen).toContain("s sort out");
      expect(lines.join("\n")).toMatch(/\nport .*in\/s/);
      expect(screen).toContain(width === 80 ? "$(id)\\x1b[31m" : "$(id)");
      expect(screen).not.toContain("\u001b[31m");
      expect(written).toContain("\u001b[?1049h\u001b[?25l");
      const left = written.split("\u001b[?25h\u001b[?1049l");
      expect(left).toHaveLength(2);
      expect(left[1]).toMatch(/watched for \d/);
    },
  );

  it("it shows what became of an entry, and Ctrl-C ends it", async () => {
    const running = startOnTerminal([...WATCH, ...netns, "--interval", "200ms"]);
    await running.saw("of a CPU");
    lab.got("a", { from: "a", to: macOf("a"), count: 1 });
    await running.saw(`${macOf("a")} learned behind pa`);
    running.type("\u0003");
    expect((await running.finished).code).toBe(0);
  });
});

describe.concurrent("what it cannot do", () => {
  beforeAll(enter);
  afterAll(leave);

  it.for<[string[], string]>([
    [["br7"], 'there is no bridge "br7"'],
    [["pa"], '"pa" is not a bridge but a port of the bridge "br0"'],
    [["br0", "--interval", "1ms"], "--interval is 0.2s or more"],
    [["br0", "--mac", "nonsense\u001b"], "--mac is an address such as"],
    [["br0", "--sort", "colour"], "--sort is one of name, in, out"],
    [["br0", "--max-overhead", "200%"], "--max-overhead is a share of one CPU"],
  ])("refuses %j with a sentence", async ([args, sentence], { expect }) => {
    const { code, stdout, stderr } = await bridgescope(["watch", ...args, ...netns]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain("\u001b");
  });
});
