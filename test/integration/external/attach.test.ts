import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runSchema } from "../../../src/document/run.ts";
import { casesInFull } from "../../full.ts";
import { bridgescope, scratch } from "../bench/cli.ts";
import { tagged, uniqueName } from "../host-state.ts";
import { fixture, run } from "./machine.ts";

/** Two namespaces of `ip netns` with a bridge of a third between them, and a process in each. */
const name = uniqueName();
const names = [`${name}a`, `${name}b`] as const;
let processes: ChildProcess[] = [];

beforeAll(() => {
  for (const one of [name, ...names]) {
    run(["ip", "netns", "add", one]);
    // IPv6 configures itself for a second or two, which would look like our doing.
    run(["ip", "netns", "exec", one, "sysctl", "-q", "net.ipv6.conf.all.disable_ipv6=1"]);
  }
  const [a, b] = names.map((one) => `/run/netns/${one}`);
  const script = [fixture("bridge.sh"), "add", "demo", a ?? "", b ?? ""];
  run(["ip", "netns", "exec", name, ...script]);
  processes = names.map((one) => {
    const words = [`--net=/run/netns/${one}`, "sleep", "300"];
    return spawn("nsenter", words, { stdio: "ignore", env: { ...process.env, ...tagged } });
  });
});
afterAll(() => {
  for (const one of processes) one.kill("SIGKILL");
  for (const one of [name, ...names]) run(["ip", "netns", "delete", one]);
});

const folder = scratch();
let made = 0;
/** A path that nothing is at yet. */
const fresh = () => join(folder.path, String(made++));
afterAll(() => folder.remove());

const attach = (
  ends: readonly string[],
  words: string[] = [],
  env: Record<string, string> = {},
) => {
  const args = ["bench", "--topology", `attach:${ends.join(",")}`, "--rounds", "2"];
  const out = ["--duration", "50ms", "--backend", "off", "--out", fresh()];
  return bridgescope([...args, ...out, "--json", ...words], env);
};

/** All that a person could have configured, without what traffic changes. */
const configuration = () =>
  names
    .flatMap((one) => [
      run(["ip", "-n", one, "-d", "address"]),
      run(["ip", "-n", one, "route", "show", "table", "all"]),
      run(["ip", "netns", "exec", one, "sysctl", "-a", "--pattern", "^net.ipv4.conf"]),
    ])
    .join("\n")
    .replace(/(valid|preferred)_lft \d+sec/g, "");

/** A container tool that knows one container. */
function containers(tool: string, known: string, pid: number): Record<string, string> {
  const bin = fresh();
  mkdirSync(bin, { recursive: true });
  const script = `#!/bin/sh
for last; do :; done
[ "$last" = ${known} ] && echo ${pid} && exit
echo "Error: no such container: $last" >&2
exit 1
`;
  writeFileSync(join(bin, tool), script);
  chmodSync(join(bin, tool), 0o755);
  return { PATH: `${bin}:${process.env.PATH}` };
}

const pidOf = (index: number) => processes[index]?.pid ?? 0;

describe("bench --topology attach:<a>,<b>", () => {
  it("measures two namespaces by name and leaves them as they are", async () => {
    const before = configuration();
    const { code, stdout } = await attach(names, ["--workload", "forward", "--workload", "tcp-rr"]);
    expect(code).toBe(0);
    const { cases, state } = runSchema.parse(JSON.parse(stdout));
    expect(state).toBe("complete");
    expect(cases.map(({ id }) => id)).toEqual([
      `attach:${names.join(",")}/forward`,
      `attach:${names.join(",")}/tcp-rr`,
    ]);
    const [forward, rr] = cases;
    expect(forward?.warnings).toEqual([]);
    expect(forward?.metrics.frame_loss?.samples).toEqual([0, 0]);
    expect(forward?.metrics.setup_time).toBeUndefined();
    expect(forward?.lab.ports.map((port) => port.ifindex)).toEqual(names.map(ifindexOf));
    expect(rr?.metrics.rtt_p50?.samples).toHaveLength(2);
    expect(configuration()).toBe(before);
  });

  casesInFull<[string, () => [string, string]]>(1, [
    ["a path and a name", () => [`/run/netns/${names[0]}`, names[1]]],
    ["paths", () => [`/run/netns/${names[0]}`, `/proc/${pidOf(1)}/ns/net`]],
    ["PIDs", () => [String(pidOf(0)), String(pidOf(1))]],
  ])("takes %s", async ([_what, ends]) => {
    const { code, stdout, stderr } = await attach(ends(), ["--workload", "ping"]);
    expect(stderr).not.toContain("bridgescope:");
    expect(JSON.parse(stdout).cases[0].lab.ports[1].ifindex).toBe(ifindexOf(names[1]));
    expect(code).toBe(0);
  });

  casesInFull(1, ["docker", "podman", "crictl"])("takes a container of %s's", async (tool) => {
    const env = containers(tool, "web.1", pidOf(1));
    const { code, stdout } = await attach([names[0], "web.1"], ["--workload", "ping"], env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).cases[0].lab.ports[1].ifindex).toBe(ifindexOf(names[1]));
  });

  it("traffic of others neither holds it up nor is taken for a flood", async () => {
    const words = ["netns", "exec", names[0], "ping", "-q", "-i", "0.002", "10.77.0.2"];
    const noise = spawn("ip", words, { stdio: "ignore", env: { ...process.env, ...tagged } });
    try {
      const { code, stdout } = await attach(names, ["--workload", "forward", "--rounds", "4"]);
      expect(code).toBe(0);
      const [measured] = runSchema.parse(JSON.parse(stdout)).cases;
      expect(measured?.warnings).toEqual([]);
      // Held up, each round would wait until it is quiet, for the 5 s that a lab of our own is given.
      const rounds = measured?.rounds ?? [];
      const gaps = rounds.slice(1).map((round, index) => {
        const before = rounds[index];
        return before === undefined ? 0 : round.startNs - before.startNs - before.durationNs;
      });
      expect(gaps.length).toBeGreaterThanOrEqual(3);
      expect(Math.min(...gaps)).toBeLessThan(5e9);
    } finally {
      noise.kill("SIGKILL");
    }
  });
});

describe.concurrent("namespaces that cannot be had end with 2 and what was looked for", () => {
  it.for<[string, () => [string, string], RegExp]>([
    [
      "unknown",
      () => ["nobody-has-this", names[1]],
      /there is no namespace "nobody-has-this": looked for \/run\/netns\/nobody-has-this, .*container/,
    ],
    [
      "a path to nothing",
      () => [names[0], "/run/netns/nothing"],
      /the namespace "\/run\/netns\/nothing" is not there: looked for/,
    ],
    [
      "a plain file",
      () => [names[0], "/etc/hostname"],
      /"\/etc\/hostname" is no network namespace/,
    ],
    [
      "another kind of namespace",
      () => [names[0], "/proc/self/ns/uts"],
      /"\/proc\/self\/ns\/uts" is no network namespace .*EINVAL/,
    ],
    ["a device", () => [names[0], "/dev/zero"], /"\/dev\/zero" is no network namespace/],
    [
      "the same twice",
      () => [names[0], String(pidOf(0))],
      /attach expects two namespaces, and .* are the same one \(net:\[\d+\]\)/,
    ],
  ])("%s", async ([_what, ends, message], { expect }) => {
    const { code, stderr } = await attach(ends());
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });

  it("a container that does not run", async ({ expect }) => {
    const env = containers("docker", "web", 0);
    const { code, stderr } = await attach([names[0], "web"], [], env);
    expect(stderr).toMatch(/the container web does not run \(says docker\): start it first/);
    expect(code).toBe(2);
  });

  it("one that is not connected is a failed case that says so", async ({ expect }) => {
    const lone = uniqueName();
    run(["ip", "netns", "add", lone]);
    try {
      const { code, stdout } = await attach([names[0], lone], ["--workload", "ping"]);
      expect(code).toBe(1);
      expect(JSON.parse(stdout).cases[0].error).toBe(
        `h2 (${lone}) is not connected: it has no network device but lo`,
      );
    } finally {
      run(["ip", "netns", "delete", lone]);
    }
  });
});

function ifindexOf(namespace: string): number {
  return JSON.parse(run(["ip", "-n", namespace, "-j", "link", "show", "eth0"]))[0].ifindex;
}
