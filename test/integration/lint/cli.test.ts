/** `bridgescope lint` as a user runs it: exit status, what it prints, and without any right. */
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { lintSchema } from "../../../src/document/lint.ts";
import { FULL } from "../../full.ts";
import { bridgescope, start } from "../bench/cli.ts";
import { type Island, newIsland } from "../real/island.ts";

let island: Island;
afterEach(() => island.close());

/** Runs in the island's network alone: the program and its rights are as outside. */
const inside = (args: string[], rights: readonly string[] = []) =>
  start(args, {}, ["nsenter", "-t", island.netns, "--net", ...rights]).finished;
const NOBODY = ["setpriv", "--reuid", "nobody", "--clear-groups", "--inh-caps=-all"];

const HOSTS = `ip link add br0 address 02:00:00:00:0e:01 type bridge; ip link set br0 up
for n in a b c; do ip netns add $n; ip link add v-$n type veth peer name eth0 netns $n; ip link set v-$n master br0 up; ip -n $n link set eth0 up; done
`;

describe("lint", () => {
  it("of a healthy bridge is a line and 0, with all that is not judged named", async () => {
    island = await newIsland();
    await island.shell(HOSTS);
    const { code, stdout } = await inside(["lint", "br0"]);
    expect(code).toBe(0);
    const [first, ...more] = stdout.trimEnd().split("\n");
    expect(first).toMatch(/^br0 \(.*\): nothing in the configuration floods or loses/);
    expect(more.join(" ")).toMatch(
      /Not judged: duplicate-address, wrong-port, lldp-stopped: .*--peers/s,
    );
  });

  it("of all bridges names whose a finding is, and ends with 3 where one is severe", async () => {
    island = await newIsland();
    await island.shell(`${HOSTS}sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
ip link add br1 type bridge; ip link set br1 up; ip link set br0 type bridge ageing_time 0
ip link add x1 type veth peer name x2; ip link set x1 master br1 up; ip link set x2 master br1 up`);
    const { code, stdout } = await inside(["lint", "--json"]);
    expect(code).toBe(3);
    const lint = lintSchema.parse(JSON.parse(stdout));
    expect([lint.bridge, lint.bridges.sort()]).toEqual([null, ["br0", "br1"]]);
    expect(lint.findings.map(({ rule, severity, bridge }) => [rule, severity, bridge])).toEqual([
      ["loop", "high", "br1"],
      ["ageing-disabled", "medium", "br0"],
    ]);
    const one = await inside(["lint", "br0"]);
    expect([one.code, one.stdout.includes("ageing_time 30000")]).toEqual([0, true]);
  });

  it("takes no right for the namespace that it is in, and says which it would take elsewhere", async () => {
    island = await newIsland();
    await island.shell(`${HOSTS}ip link set br0 type bridge ageing_time 0`);
    const { code, stdout } = await inside(["lint", "br0", "--json"], NOBODY);
    const lint = lintSchema.parse(JSON.parse(stdout));
    expect([code, lint.findings.map(({ rule }) => rule)]).toEqual([0, ["ageing-disabled"]]);
    expect(lint.ports).toBe(3);
    const elsewhere = await inside(["lint", "br0", "--netns", "/proc/1/ns/net"], NOBODY);
    expect([elsewhere.code, elsewhere.stderr]).toEqual([
      4,
      expect.stringContaining("CAP_SYS_ADMIN"),
    ]);
    const peers = await inside(["lint", "br0", "--peers"], NOBODY);
    expect([peers.code, peers.stderr]).toEqual([4, expect.stringContaining("--peers")]);
  });

  it("says what there is instead where there is no such bridge", async () => {
    island = await newIsland();
    await island.shell(`${HOSTS}ip link add d0 type veth peer name d1`);
    const { netns } = island;
    const bad = async (...words: string[]) => {
      const { code, stderr } = await bridgescope(["lint", ...words, "--netns", netns]);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
      return [code, stderr] as const;
    };
    expect(await bad("br9")).toEqual([
      2,
      expect.stringMatching(/no bridge "br9".*there are: "br0"/),
    ]);
    expect(await bad("d0")).toEqual([2, expect.stringMatching(/"d0" is not a bridge but a veth/)]);
    expect(await bad("v-a")).toEqual([2, expect.stringMatching(/a port of the bridge "br0"/)]);
    await island.shell("ip link del br0");
    expect(await bad()).toEqual([2, expect.stringContaining("there is no Linux bridge")]);
  });
});

describe("explain where no frame can be looked at", () => {
  it("answers by the configuration and the counters, and ends with 4", async () => {
    island = await newIsland();
    await island.shell(`${HOSTS}ip link set br0 type bridge ageing_time 0
ip -n a addr add 10.77.0.1/24 dev eth0; ip -n a neigh add 10.77.0.9 lladdr 02:00:00:00:0e:99 dev eth0 nud permanent`);
    const pings = island.begin("exec ip netns exec a ping -q -i 0.02 -W 1 10.77.0.9");
    const { code, stdout, stderr } = await inside(["explain", "br0", "--duration", "2s"], NOBODY);
    pings.kill();
    expect(code).toBe(4);
    expect(stdout).toContain("ageing-disabled");
    const said = stdout.replace(/\s+/g, " ");
    expect(said).toMatch(/left by each of the 2 other ports while .* came in by port v-a/);
    expect(said).toContain("(inferred by interface counters over 2.");
    expect(stderr).toMatch(/CAP_SYS_ADMIN.*no frame was looked at.*doctor/s);
  });
});

describe("a host with 500 bridges and 5,000 ports", FULL, () => {
  it("is judged in a time that is printed, and fits a screen", async () => {
    island = await newIsland();
    const make = (many: number) => `b=$(mktemp -p /run)
for i in $(seq ${many}); do echo "link add br$i type bridge"; for j in $(seq 10); do
echo "link add v$i-$j type veth peer name p$i-$j"; echo "link set v$i-$j master br$i"; done; done > $b
for i in $(seq ${many}); do echo "link set br$i up"; for j in $(seq 10); do echo "link set v$i-$j up"; done; done >> $b
ip -batch $b`;
    await island.shell(make(500));
    const began = performance.now();
    const { code, stdout } = await inside(["lint", "--json"]);
    const took = (performance.now() - began) / 1000;
    const lint = lintSchema.parse(JSON.parse(stdout));
    expect([code, lint.bridges.length, lint.ports, lint.findings]).toEqual([0, 500, 5000, []]);
    const load = readFileSync("/proc/loadavg", "utf8").split(" ")[0];
    process.stdout.write(
      `lint of 500 bridges and 5,000 ports: ${took.toFixed(2)} s (load ${load})\n`,
    );
  });
});
