import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readBridge } from "../../../src/bridge/read-bridge.ts";
import { whichBridge } from "../../../src/bridge/which-bridge.ts";
import { type Collected, type CollectOptions, collect } from "../../../src/live/collect.ts";
import { type FloodLab, floodLab, macOf } from "../explain/lab.ts";
import { type HostState, hostChanges, hostState } from "../host-state.ts";
import { homes } from "./home.ts";

let before: HostState;
let lab: FloodLab;
const newborns = homes();

beforeEach(async () => {
  before = hostState();
  lab = await floodLab();
});
afterEach(async () => {
  await newborns.leave();
  await lab.leave();
  expect(await hostChanges(before, 3000)).toEqual({});
});

const GONE = "02:00:00:00:99:99";
const NEWBORN = "02:00:00:00:0b:0d";

/** What is collected while `act` goes on, which begins when frames are counted. */
async function collectedDuring(
  act: () => Promise<void> | void,
  options: Partial<CollectOptions> = {},
): Promise<Collected> {
  const [found] = await whichBridge("br0", String(lab.bridge.pid));
  if (found === undefined) throw new Error("the lab has no bridge");
  const enough = new AbortController();
  let acted: Promise<void> = Promise.resolve();
  const answer = collect(await readBridge(found.place, found.ifindex), {
    ...{ seconds: 60, backend: "auto", maxOverhead: 1, signal: enough.signal },
    onCounting: () => {
      acted = Promise.resolve(act()).finally(() => enough.abort());
    },
    ...options,
  });
  const collected = await answer;
  await acted;
  return collected;
}

function ifindexOf(device: string): number | undefined {
  const [link] = JSON.parse(lab.bridge.ip("-j", "link", "show", "dev", device));
  return link?.ifindex;
}

/**
 * As a container is: the veth, its port, its own traffic at once, to the host and to another container. Nothing of ours
 * runs meanwhile.
 */
async function bear(device: string, address: string, mac: string): Promise<void> {
  const home = await newborns.add();
  home.ip("link", "set", "lo", "up");
  lab.shell(`ip link add ${device} type veth peer name eth0 address ${mac} netns ${home.pid}
    ip link set ${device} master br0 up
    nsenter --net=/proc/${home.pid}/ns/net sh -ec 'sysctl -qw net.ipv6.conf.all.disable_ipv6=1
      ip link set eth0 up; ip addr add ${address}/24 dev eth0
      ping -q -c 100 -i 0.002 10.77.0.9; ping -q -c 100 -i 0.002 10.77.0.1'`);
}

it("knows a port that joins from its first frame", async () => {
  lab.shell("ip addr add 10.77.0.9/24 dev br0");
  const collected = await collectedDuring(() => bear("pn", "10.77.0.13", NEWBORN));
  const unknown = collected.flows.filter((flow) => flow.class === "unknownUnicast");
  expect(unknown).toEqual([]);
  const port = ifindexOf("pn");
  const asked = collected.flows.filter(({ source }) => source === NEWBORN);
  expect(asked.map((flow) => flow.class)).toEqual(["broadcast"]);
  expect(asked[0]).toMatchObject({ port, addresses: { source: "10.77.0.13", protocol: "ARP" } });
  const [{ frames = 0, copies = 0, hostCopies = 0, steps = [] } = {}] = asked;
  // Each goes to a, b, c and the host; but one that came before its port was forwarding went nowhere.
  expect([hostCopies > 0, copies]).toEqual([true, hostCopies * 4]);
  expect(frames - hostCopies).toBeLessThanOrEqual(1);
  expect(steps.reduce((sum, step) => sum + step.frames, 0)).toBe(frames);
  expect(collected.homes).toContainEqual({ address: NEWBORN, vlan: 0, port, local: false });
});

it("has no unneeded copies of containers that come and go", async () => {
  lab.shell("ip addr add 10.77.0.9/24 dev br0");
  const collected = await collectedDuring(async () => {
    for (let born = 0; born < 4; born++) {
      await bear(`pn${born}`, `10.77.0.${20 + born}`, `02:00:00:00:0b:2${born}`);
      lab.shell(`ip link del pn${born}`);
    }
  });
  const flooded = collected.flows.filter(
    (flow) => flow.class === "unknownUnicast" && flow.copies > flow.hostCopies,
  );
  expect(flooded).toEqual([]);
  expect(collected.moves).toEqual([]);
});

it("tells ports apart that had an ifindex one after the other", async () => {
  const flood = (home: { pid: number }) =>
    lab.shell(
      `nsenter --net=/proc/${home.pid}/ns/net sh -ec 'sysctl -qw net.ipv6.conf.all.disable_ipv6=1
        ip link set eth0 up; ip addr add 10.77.0.13/24 dev eth0
        ip neigh replace 10.77.0.77 lladdr ${GONE} dev eth0; ping -q -c 50 -i 0.002 -W 0.1 10.77.0.77 || true'`,
    );
  const born = async (mac: string) => {
    const home = await newborns.add();
    lab.shell(`ip link add pn index 4711 type veth peer name eth0 address ${mac} netns ${home.pid}
      ip link set pn master br0 up`);
    await sleep(400);
    flood(home);
    lab.shell("ip link del pn");
    await sleep(400);
  };
  const collected = await collectedDuring(async () => {
    await born("02:00:00:00:0b:31");
    await born("02:00:00:00:0b:32");
  });
  const flows = collected.flows.filter(({ destination }) => destination === GONE);
  const bySource = new Map(flows.map(({ source, frames }) => [source, frames]));
  expect(bySource).toEqual(
    new Map([
      ["02:00:00:00:0b:31", 50],
      ["02:00:00:00:0b:32", 50],
    ]),
  );
});

it("says which ports of UDP a flow is of", async () => {
  const collected = await collectedDuring(() => {
    lab.shell(
      `ip neigh replace 10.77.0.77 lladdr ${GONE} dev eth0
       python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 4001))
for _ in range(5): s.sendto(b"x", ("10.77.0.77", 514))'`,
      "a",
    );
  });
  const flow = collected.flows.find(({ destination }) => destination === GONE);
  expect(flow).toMatchObject({ source: macOf("a"), sourcePort: 4001, destinationPort: 514 });
});

it("cuts no frame in two where it counts for a part of the time", async () => {
  let over = false;
  const collected = await collectedDuring(
    async () => {
      while (!over) {
        lab.got("c", { from: "a", to: GONE, count: 400, settleMs: 1 });
        await sleep(1);
      }
    },
    {
      maxOverhead: 0.005,
      seconds: 4,
      onSoFar: ({ seconds }) => {
        over = seconds > 3;
      },
    },
  );
  expect(collected.counted).toBeLessThan(collected.seconds * 0.9);
  const flow = collected.flows.find(({ destination }) => destination === GONE);
  // To b and to c, each scaled by the same factor and rounded.
  expect(flow?.frames).toBeGreaterThan(1000);
  expect(Math.abs((flow?.copies ?? 0) - 2 * (flow?.frames ?? 0))).toBeLessThanOrEqual(1);
});
