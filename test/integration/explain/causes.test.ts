import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Explanation, explainSchema, type Note } from "../../../src/document/explain.ts";
import { explainBridge } from "../../../src/explain/explain.ts";
import { openRouteSocket } from "../../../src/system/netlink.ts";
import { closeNamespace, openPath } from "../../../src/system/netns.ts";
import { writeRequest } from "../../../src/system/rtnetlink.ts";
import { type FloodLab, floodLab, macOf } from "./lab.ts";

const GONE = "02:00:00:00:99:99";
const GROUP = "01:00:5e:01:02:03";

let lab: FloodLab;

beforeEach(async () => {
  lab = await floodLab();
});
afterEach(async () => {
  await lab.leave();
});

async function explain(): Promise<Explanation> {
  return explainSchema.parse(
    await explainBridge({ bridge: "br0", netns: String(lab.bridge.pid), probes: false }),
  );
}

async function causes(): Promise<(string | null)[]> {
  return (await explain()).notes.map(({ cause }) => cause);
}

async function noted(cause: string): Promise<Note> {
  const found = (await explain()).notes.find((note) => note.cause === cause);
  if (found === undefined) throw new Error(`${cause} was not named: ${await causes()}`);
  return found;
}

/** Does what the remedy says, on the host as a person would; then it is no longer named, and no local entry is gone. */
async function cure(cause: string): Promise<Note> {
  const note = await noted(cause);
  if (note.remedy === null) throw new Error(`${cause} came without a remedy`);
  const before = lab.local();
  execFileSync("sh", ["-ec", note.remedy.command]);
  expect(lab.local()).toBe(before);
  const [verify = ""] = note.remedy.verify.split(/ (?:shows|no longer shows) /);
  execFileSync("sh", ["-ec", verify]);
  return note;
}

/** And the command that takes it back brings it back. */
async function undone(note: Note): Promise<void> {
  execFileSync("sh", ["-ec", note.remedy?.undo ?? "false"]);
  expect(await causes()).toContain(note.cause);
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

  it("loop", async () => {
    lab.shell("ip link add l0 type veth peer name l1");
    lab.shell("ip link set l0 master br0 up && ip link set l1 master br0 up");
    const note = await noted("loop");
    // One frame goes round until the loop is open.
    expect(lab.got("c", { from: "a", to: GONE, count: 1 })).toBeGreaterThan(100);
    await cure("loop");
    await sleep(200);
    expect(lab.got("c", { from: "a", to: GONE, count: 1 })).toBe(1);
    expect(await causes()).not.toContain("loop");
    await undone(note);
  });
});

describe("told without a remedy of one command:", () => {
  it("multicast-unregistered, and why a querier is none", async () => {
    lab.shell("ip link set br0 type bridge mcast_snooping 0");
    expect(flooded(GROUP)).toBe(5);
    const { remedy, noRemedy } = await noted("multicast-unregistered");
    expect(remedy).toBeNull();
    expect(noRemedy).toContain("IPv6 neighbour solicitations");
    lab.shell("ip link set br0 type bridge mcast_snooping 1 mcast_querier 0");
    expect((await noted("multicast-unregistered")).remedy).toBeNull();
    lab.shell("ip link set br0 type bridge mcast_querier 1");
    expect(await causes()).toEqual([]);
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

describe("what only looks like a cause is not named:", () => {
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
