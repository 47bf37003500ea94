import { execFileSync, spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Explanation, explainSchema, type Note } from "../../../src/document/explain.ts";
import { type ExplainOptions, explainBridge } from "../../../src/explain/explain.ts";
import { openRouteSocket } from "../../../src/system/netlink.ts";
import { closeNamespace, openPath } from "../../../src/system/netns.ts";
import { writeRequest } from "../../../src/system/rtnetlink.ts";
import { type FloodLab, floodLab, macOf } from "./lab.ts";

const GONE = "02:00:00:00:99:99";
const CHILD = "02:00:00:00:0b:bb";
const EVERYBODY = "ff:ff:ff:ff:ff:ff";
const GROUP = "01:00:5e:01:02:03";
const MDNS = "01:00:5e:00:00:fb";
const PTP = "01:1b:19:00:00:00";

let lab: FloodLab;

beforeEach(async () => {
  lab = await floodLab();
});
afterEach(async () => {
  await lab.leave();
});

async function explain(options: ExplainOptions = { probes: false }): Promise<Explanation> {
  const at = { bridge: "br0", netns: String(lab.bridge.pid) };
  return explainSchema.parse(await explainBridge({ ...at, ...options }));
}

async function causes(): Promise<(string | null)[]> {
  return (await explain()).notes.map(({ cause }) => cause);
}

async function noted(cause: string): Promise<Note> {
  const found = (await explain()).notes.find((note) => note.cause === cause);
  if (found === undefined) throw new Error(`${cause} was not named: ${await causes()}`);
  return found;
}

function run(line: string): void {
  execFileSync("sh", ["-ec", line]);
}

function fails(line: string): boolean {
  return spawnSync("sh", ["-ec", line], { stdio: "ignore" }).status !== 0;
}

interface Cured extends Note {
  /** What was set before. */
  settings: string;
}

/** Does what the remedy says, on the host as a person would; its check tells that, and no local entry is gone. */
async function cure(cause: string): Promise<Cured> {
  const note = await noted(cause);
  if (note.remedy === null) throw new Error(`${cause} came without a remedy`);
  const { command, verify } = note.remedy;
  const settings = lab.settings();
  const before = lab.local();
  expect(fails(verify)).toBe(true);
  run(command);
  run(verify);
  expect(lab.local()).toBe(before);
  return { ...note, settings };
}

/** And the command that takes it back leaves everything as it was. */
async function undone({ cause, remedy, settings }: Cured): Promise<void> {
  run(remedy?.undo ?? "false");
  expect(lab.settings()).toBe(settings);
  expect(await causes()).toContain(cause);
  expect(fails(remedy?.verify ?? "true")).toBe(true);
}

function learn(...hosts: ("a" | "b" | "c")[]): void {
  for (const host of hosts) lab.got(host, { from: host, to: macOf(host), count: 1 });
}

/** Frames from a to b that c gets too. */
function flooded(to = macOf("b")): number {
  return lab.got("c", { from: "a", to });
}

it("says nothing of a bridge in health", async () => {
  learn("a", "b", "c");
  expect(flooded()).toBe(0);
  expect(await causes()).toEqual([]);
  lab.shell("ping -c 3 -i 0.01 10.77.0.2", "a");
  expect(await causes()).toEqual([]);
});

describe("each cause is named, and its remedy stops the flood:", () => {
  it("ageing-disabled", async () => {
    lab.shell("ip link set br0 type bridge ageing_time 0");
    learn("b");
    expect(flooded()).toBe(5);
    const note = await cure("ageing-disabled");
    learn("b");
    expect(flooded()).toBe(0);
    expect(await causes()).toEqual([]);
    expect(lab.unreached()).toEqual([]);
    await undone(note);
  });

  it("learning-off", async () => {
    lab.shell("bridge link set dev pb learning off");
    learn("a", "b");
    expect(flooded()).toBe(5);
    const note = await cure("learning-off");
    learn("b");
    expect(flooded()).toBe(0);
    expect(await causes()).toEqual([]);
    expect(lab.unreached()).toEqual([]);
    await undone(note);
  });

  it("locked-port", async () => {
    lab.shell("bridge link set dev pb learning off locked on");
    learn("a", "b");
    expect(flooded()).toBe(5);
    const note = await cure("locked-port");
    expect(flooded()).toBe(0);
    expect((await noted("locked-port")).remedy).toBeNull();
    await undone(note);
    expect(flooded()).toBe(5);
  });

  it("aged-out", async () => {
    lab.shell("ip link set br0 type bridge ageing_time 100");
    lab.shell("ping -c 1 10.77.0.2", "a");
    expect(await causes()).toEqual([]);
    const limit = Date.now() + 10_000;
    while (lab.shell("bridge fdb show br br0").includes(macOf("b")) && Date.now() < limit) {
      await sleep(100);
    }
    expect(flooded()).toBe(5);
    expect((await noted("aged-out")).text).toContain("ageing time of 1 s");
    const note = await cure("aged-out");
    expect(flooded()).toBe(0);
    expect((await causes()).filter((cause) => cause === "aged-out")).toEqual([]);
    await undone(note);
  });

  it("never-learned", async () => {
    lab.shell(`ip neigh add 10.77.0.2 lladdr ${macOf("b")} dev eth0 nud permanent`, "a");
    expect(flooded()).toBe(5);
    const note = await cure("never-learned");
    expect(flooded()).toBe(0);
    expect(await causes()).toEqual([]);
    await undone(note);
    expect(lab.unreached()).toEqual([]);
  });

  it("never-learned, taken back where the entry has moved meanwhile", async () => {
    lab.shell(`ip neigh add 10.77.0.2 lladdr ${macOf("b")} dev eth0 nud permanent`, "a");
    const note = await cure("never-learned");
    expect(note.remedy?.risk).toContain("it moves with the address (it is not sticky)");
    lab.got("c", { from: "c", source: macOf("b"), to: macOf("c"), count: 1 });
    expect(lab.shell("bridge fdb show br br0")).toMatch(`${macOf("b")} dev pc master br0 static`);
    expect(fails(note.remedy?.verify ?? "true")).toBe(true);
    await undone(note);
    expect(lab.shell("bridge fdb show br br0")).not.toContain(macOf("b"));
  });

  it("never-learned, of a macvlan on what is behind the port", async () => {
    learn("a", "b", "c");
    lab.shell(`ip link add mv0 link eth0 address ${CHILD} type macvlan && ip link set mv0 up`, "b");
    lab.shell(`ip neigh add 10.77.0.22 lladdr ${CHILD} dev eth0 nud permanent`, "a");
    expect(flooded(CHILD)).toBe(5);
    const note = await cure("never-learned");
    expect(note.text).toMatch(/behind port pb \(.*\): macvlan mv0 has no entry/);
    expect(flooded(CHILD)).toBe(0);
    expect(await causes()).toEqual([]);
    await undone(note);
  });

  it("never-learned, of a macvlan on the bridge itself, which learns none of these", async () => {
    learn("a", "b", "c");
    lab.shell(`ip link add mv0 link br0 address ${CHILD} type macvlan mode bridge`);
    lab.shell("ip link set mv0 up && ip addr add 10.77.0.22/24 dev mv0");
    lab.shell(`ip neigh add 10.77.0.22 lladdr ${CHILD} dev eth0 nud permanent`, "a");
    lab.shell("ping -q -c 1 10.77.0.22", "a");
    expect(flooded(CHILD)).toBe(5);
    const note = await noted("never-learned");
    expect(note.text).toContain("behind the bridge device br0 itself: macvlan mv0");
    const settings = lab.settings();
    expect(fails(note.remedy?.verify ?? "true")).toBe(true);
    run(note.remedy?.command ?? "false");
    run(note.remedy?.verify ?? "false");
    expect(flooded(CHILD)).toBe(0);
    lab.shell("ping -q -c 1 10.77.0.22", "a");
    // What else is told is that a macvlan makes the bridge promiscuous.
    expect((await causes()).filter((cause) => cause !== null)).toEqual([]);
    await undone({ ...note, settings });
  });

  it("destination-gone", async () => {
    learn("a", "b", "c");
    lab.shell(`ip neigh add 10.77.0.99 lladdr ${GONE} dev eth0 nud permanent`, "a");
    expect(flooded(GONE)).toBe(5);
    const before = lab.shell("ip neigh", "a");
    const note = await cure("destination-gone");
    expect(lab.shell("ip neigh", "a")).toBe(before.replace(/^10\.77\.0\.99.*\n/m, ""));
    expect(await causes()).toEqual([]);
    await undone(note);
  });

  it("wrong-port", async () => {
    learn("a", "c");
    lab.shell(`bridge fdb add ${macOf("b")} dev pc master static`);
    expect(flooded()).toBe(5);
    expect(lab.got("b", { from: "a", to: macOf("b") })).toBe(0);
    const note = await cure("wrong-port");
    expect(flooded()).toBe(0);
    expect(lab.got("b", { from: "a", to: macOf("b") })).toBe(5);
    expect(await causes()).toEqual([]);
    await undone(note);
  });

  it("fdb-full", async () => {
    const namespace = openPath("bridge", lab.bridge.path);
    const socket = openRouteSocket(namespace);
    const numbers = { ifindex: (name: string) => socket.ifindex(name), namespace: () => 0 };
    const limit = { kind: "limit", device: "br0", learned: 2 } as const;
    socket.send((train) => writeRequest(train, limit, numbers));
    socket.close();
    closeNamespace(namespace);
    learn("a");
    expect(await causes()).toEqual([]);
    learn("c", "b");
    expect(flooded()).toBe(5);
    const note = await cure("fdb-full");
    expect(flooded()).toBe(0);
    await undone(note);
    expect(flooded()).toBe(5);
  });

  it("destination-gone, of the bridge's own address, which has changed", async () => {
    learn("a", "b", "c");
    lab.shell("ip addr add 10.77.0.9/24 dev br0");
    lab.shell(`ip neigh add 10.77.0.9 lladdr ${GONE} dev eth0 nud permanent`, "a");
    expect(flooded(GONE)).toBe(5);
    const note = await cure("destination-gone");
    expect(note.text).toMatch(
      /10\.77\.0\.9 is an address of br0 itself, which has \S+, and .*address \S+` pins it/,
    );
    lab.shell("ping -q -c 1 10.77.0.9", "a");
    expect(await causes()).toEqual([]);
    await undone(note);
  });

  it("loop of one cable", async () => {
    lab.shell("ip link add l0 type veth peer name l1");
    lab.shell("ip link set l0 master br0 up && ip link set l1 master br0 up");
    // One frame goes round until the loop is open.
    expect(lab.got("c", { from: "a", to: GONE, count: 1 })).toBeGreaterThan(100);
    const note = await cure("loop");
    await sleep(200);
    expect(lab.got("c", { from: "a", to: GONE, count: 1 })).toBe(1);
    expect(await causes()).not.toContain("loop");
    expect(lab.unreached()).toEqual([]);
    await undone(note);
  });
});

describe("two cables to another bridge", () => {
  /** c is a switch with the hosts d and e of its own, and its first cable. */
  function join(stp: 0 | 1): void {
    lab.shell(`ip link add br1 type bridge stp_state ${stp} forward_delay 200`, "c");
    lab.shell("ip addr flush dev eth0 && ip link set eth0 master br1 && ip link set br1 up", "c");
    lab.shell("ip addr add 10.77.0.3/24 dev br1", "c");
    lab.shell(`ip link add c2 type veth peer name d2 netns ${lab.hosts.c.pid}`);
    // A storm that leaves something of the machine.
    const rate = "root tbf rate 2mbit burst 3000 limit 9000";
    for (const port of ["pc", "c2"]) lab.shell(`tc qdisc add dev ${port} ${rate}`);
    for (const port of ["eth0", "d2"]) lab.shell(`tc qdisc add dev ${port} ${rate}`, "c");
    lab.shell("ip link set d2 master br1 up", "c");
    lab.shell("ip link set c2 master br0 up");
  }

  it("are a loop: the storm that goes round is nobody's, and cutting one ends it", async () => {
    join(0);
    const note = await noted("loop");
    expect(note.text).toMatch(/pc and c2 both lead to br1 of .*unless a spanning tree there/);
    expect(note.remedy).toBeNull();
    lab.got("b", { from: "a", to: EVERYBODY, count: 1 });
    const { findings } = await explain({ probes: true, seconds: 1.5, maxOverhead: 1 });
    expect(new Set(findings.map(({ cause }) => cause))).toEqual(new Set(["loop"]));
    const [finding] = findings;
    expect(finding).toMatchObject({ basis: "observed" });
    const settings = lab.settings();
    const remedy = finding?.remedy ?? expect.fail("no remedy");
    expect(fails(remedy.verify)).toBe(true);
    run(remedy.command);
    run(remedy.verify);
    await sleep(200);
    expect(lab.got("b", { from: "a", to: EVERYBODY, count: 1 })).toBe(1);
    expect(lab.unreached()).toEqual([]);
    expect((await explain({ probes: true, seconds: 1, maxOverhead: 1 })).findings).toEqual([]);
    expect(await causes()).not.toContain("loop");
    run(remedy.undo);
    expect(lab.settings()).toBe(settings);
    expect(await causes()).toContain("loop");
  });

  it("are none where the spanning tree blocks one of their ends", async () => {
    lab.shell("ip link set br0 type bridge stp_state 1 forward_delay 200");
    join(1);
    const limit = Date.now() + 20_000;
    const states = () => lab.shell("bridge link show") + lab.shell("bridge link show", "c");
    while (!/blocking/.test(states()) && Date.now() < limit) await sleep(200);
    while (/listening|learning/.test(states()) && Date.now() < limit) await sleep(200);
    expect(lab.unreached()).toEqual([]);
    const { findings, notes } = await explain({ probes: true, seconds: 1, maxOverhead: 1 });
    expect(findings).toEqual([]);
    expect(notes.map(({ cause }) => cause)).not.toContain("loop");
  });
});

describe("told without a remedy of one command:", () => {
  it("multicast-unregistered, where snooping was turned off, and not as every bridge begins", async () => {
    lab.shell("ip link set br0 type bridge mcast_snooping 0");
    expect(flooded(GROUP)).toBe(5);
    const { remedy, noRemedy } = await noted("multicast-unregistered");
    expect(remedy).toBeNull();
    expect(noRemedy).toContain("IPv6 neighbour solicitations");
    lab.shell("ip link set br0 type bridge mcast_snooping 1 mcast_querier 0");
    expect(await causes()).toEqual([]);
  });

  it("multicast-unregistered, by group: what nobody sends queries for, and what is never snooped", async () => {
    lab.shell("ip link set br0 type bridge mcast_querier 0");
    learn("a", "b", "c");
    const why = await groupsDuring();
    expect(why.get(GROUP)).toBe(
      "nobody on br0 sends IGMP queries: until somebody does, 239.1.2.3 goes to every port",
    );
    expect(why.get(MDNS)).toContain("224.0.0.251 goes to every port: groups of the local network");
    expect(why.get(PTP)).toContain("the bridge listens to who joins groups of IPv4 and IPv6");
  });

  it("and no group that reaches just its members", async () => {
    // Queries must have been answered, or have had the time.
    lab.shell("ip link set br0 type bridge mcast_query_response_interval 10");
    lab.shell(
      "ip link set br0 type bridge mcast_querier 0 && ip link set br0 type bridge mcast_querier 1",
    );
    lab.shell("bridge mdb add dev br0 port pb grp 239.1.2.3 permanent");
    const limit = Date.now() + 20_000;
    while (flooded(GROUP) > 0 && Date.now() < limit) await sleep(200);
    expect(lab.got("b", { from: "a", to: GROUP })).toBe(5);
    const why = await groupsDuring();
    expect([...why.keys()].sort()).toEqual([MDNS, PTP]);
  });

  it("mac-flapping, of two hosts with one address", async () => {
    lab.shell("ip link set eth0 down", "b");
    lab.shell(`ip link set eth0 address ${macOf("c")} && ip link set eth0 up`, "b");
    const { text } = await noted("mac-flapping");
    expect(text).toContain("port pb");
    expect(text).toContain("port pc");
    expect(await causes()).not.toContain("wrong-port");
    lab.shell("ip link set eth0 down", "b");
    lab.shell(`ip link set eth0 address ${macOf("b")} && ip link set eth0 up`, "b");
    expect(await causes()).toEqual([]);
  });

  it("topology-change, while the spanning tree has its flag up", async () => {
    lab.shell("ip link set br0 type bridge stp_state 1");
    expect(await causes()).toEqual([]);
    lab.shell("ip link set pb down && ip link set pb up");
    const limit = Date.now() + 20_000;
    while (!(await causes()).includes("topology-change") && Date.now() < limit) await sleep(200);
    expect(await causes()).toContain("topology-change");
  });
});

/** What is said of each group while a sends to three of them. */
async function groupsDuring(): Promise<Map<string | null, string>> {
  let over = false;
  const answer = explain({ probes: true, seconds: 1.5, maxOverhead: 1 }).finally(() => {
    over = true;
  });
  while (!over) {
    lab.got("c", { from: "a", to: GROUP, count: 60, settleMs: 5 });
    lab.got("c", { from: "a", to: MDNS, group: "224.0.0.251", count: 60, settleMs: 5 });
    lab.got("c", { from: "a", to: PTP, etherType: 0x88f7, count: 60, settleMs: 5 });
    await sleep(20);
  }
  return new Map((await answer).findings.map(({ destination, title }) => [destination, title]));
}

describe("what only looks like a cause is not named:", () => {
  it("a neighbour entry for a virtual router's address, and for a host that sits behind another bridge", async () => {
    learn("a", "b", "c");
    lab.shell("ip neigh add 10.77.0.99 lladdr 00:00:5e:00:01:07 dev eth0 nud permanent", "a");
    lab.shell(`ip link add in0 type bridge && ip link set in0 address ${CHILD} up`, "c");
    lab.shell("ip addr flush dev eth0 && ip link set eth0 master in0", "c");
    lab.shell(`ip neigh add 10.77.0.22 lladdr ${CHILD} dev eth0 nud permanent`, "a");
    lab.got("b", { from: "c", source: CHILD, to: CHILD, count: 1 });
    expect(await causes()).toEqual([]);
    lab.shell(`ip neigh add 10.77.0.98 lladdr ${GONE} dev eth0 nud permanent`, "a");
    expect((await noted("destination-gone")).text).toContain("(behind pc may be others)");
  });

  it("a host that nobody has as a neighbour and that is silent", async () => {
    learn("a");
    expect(await causes()).toEqual([]);
  });

  it("a neighbour entry that failed, or one for a host that is known", async () => {
    learn("a", "b", "c");
    lab.shell("ping -c 1 -W 1 10.77.0.50 || true", "a");
    lab.shell(`ip neigh add 10.77.0.2 lladdr ${macOf("b")} dev eth0 nud permanent`, "a");
    expect(await causes()).toEqual([]);
  });

  it("a static entry for a host where it is, and one for a host that cannot be seen", async () => {
    lab.shell(`bridge fdb add ${macOf("b")} dev pb master static`);
    lab.shell(`bridge fdb add ${GONE} dev pb master static`);
    lab.shell(`ip neigh add 10.77.0.99 lladdr ${GONE} dev eth0 nud permanent`, "a");
    expect(await causes()).toEqual([]);
  });

  it("a short ageing time, one port for itself, and a pair whose other end is elsewhere", async () => {
    lab.shell("ip link set br0 type bridge ageing_time 1000");
    lab.shell("bridge link set dev pb isolated on flood off hairpin on");
    lab.shell("ip link add l0 type veth peer name l1 && ip link set l0 master br0 up");
    expect(await causes()).toEqual([]);
  });
});

it("says which flooded frames a port gets, as it is seen to", async () => {
  lab.shell("bridge link set dev pb flood off");
  lab.shell("bridge link set dev pc bcast_flood off mcast_flood off");
  const { ports } = await explain();
  const of = (name: string) => ports.find((port) => port.name === name);
  expect(of("pb")?.gets).toEqual({ unknownUnicast: false, broadcast: true, multicast: true });
  expect(of("pc")?.gets).toEqual({ unknownUnicast: true, broadcast: false, multicast: false });
  expect(of("pb")?.why.join()).toContain("flood off");
  expect(lab.got("b", { from: "a", to: GONE })).toBe(0);
  expect(lab.got("c", { from: "a", to: GONE })).toBe(5);
  expect(lab.got("b", { from: "a", to: "ff:ff:ff:ff:ff:ff" })).toBe(5);
  expect(lab.got("c", { from: "a", to: "ff:ff:ff:ff:ff:ff" })).toBe(0);
  lab.shell("bridge link set dev pb flood on state 0");
  const blocked = (await explain()).ports.find((port) => port.name === "pb");
  expect(blocked?.gets).toEqual({ unknownUnicast: false, broadcast: false, multicast: false });
  expect(lab.got("b", { from: "a", to: GONE })).toBe(0);
});
