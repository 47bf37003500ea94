import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { readBridge } from "../../src/bridge/read-bridge.ts";
import { whichBridge } from "../../src/bridge/which-bridge.ts";
import { explainBridge } from "../../src/explain/explain.ts";
import { deviceKey } from "../../src/live/program-keys.ts";
import { chooseBackend } from "../../src/probes/backend.ts";
import { closeNamespace, openPath } from "../../src/system/netns.ts";
import { FrameTrain, openPacketSocket } from "../../src/system/packet-socket.ts";
import { macBytes } from "../../src/text/mac-address.ts";
import { loadWatch, type WatchProbes } from "../../src/watch/probes.ts";
import { NOTHING, tallies } from "../../src/watch/tally.ts";
import { floodLab, type HostName, macOf } from "../integration/explain/lab.ts";
import { LINK_LOCAL } from "./lost.ts";
import { SIDES, type Side, type WatchReport } from "./watch.ts";

/** IEEE 802's for local experiments: but for a socket of ours whoever gets the frame drops it. */
const ETHERTYPE = 0x88b5;
const FRAMES = 128;
const TRAINS = 40;
const GONE = "02:00:00:00:99:99";
const NEWBORN = "02:00:00:00:0b:0d";
const MOVER = "02:00:00:00:77:01";

const say = (text: string) => process.stderr.write(`${text}\n`);
const lab = await floodLab();
lab.shell(`ip link add v0 type veth peer name v1 netns ${lab.hosts.b.pid}`, "a");
lab.shell("ip link set v0 up", "a");
lab.shell("ip link set v1 up", "b");
const [found] = await whichBridge("br0", String(lab.bridge.pid));
if (found === undefined) throw new Error("there is no br0");
const learn = (...hosts: HostName[]) => {
  for (const host of hosts) lab.got(host, { from: host, to: macOf(host), count: 1 });
};
learn("a", "b", "c");

function deviceOf(host: HostName, name: string): { path: string; ifindex: number } {
  const { path, ip } = lab.hosts[host];
  const [link] = JSON.parse(ip("-j", "link", "show", "dev", name)) as { ifindex: number }[];
  return { path, ifindex: link?.ifindex ?? 0 };
}

/** A socket that takes the frames in: what is dropped has a program of its own on its way. */
function openSink({ path, ifindex }: { path: string; ifindex: number }) {
  const namespace = openPath("sink", path);
  const socket = openPacketSocket(namespace, ifindex, { etherType: ETHERTYPE });
  closeNamespace(namespace);
  return socket;
}

/** Sends trains of frames out of a device of a host, to one of host b. */
function sender(
  device: string,
  to: string,
  by: string,
  host: HostName = "a",
  source = macOf(host),
) {
  const frames = Buffer.alloc(FRAMES * 60);
  for (let at = 0; at < frames.length; at += 60) {
    macBytes(to).copy(frames, at);
    macBytes(source).copy(frames, at + 6);
    frames.writeUInt16BE(ETHERTYPE, at + 12);
  }
  const train = new FrameTrain(frames, 60);
  const namespace = openPath(host, lab.hosts[host].path);
  const socket = openPacketSocket(namespace, deviceOf(host, device).ifindex);
  closeNamespace(namespace);
  const receiver = deviceOf("b", by);
  /** Instructions per frame: those of the quickest train, in which no timer ticked. */
  return () => {
    let least = Number.POSITIVE_INFINITY;
    for (let sent = 0; sent < TRAINS; sent++) {
      const sink = openSink(receiver);
      const began = process.hrtime.bigint();
      train.send(socket.fd, 0, FRAMES);
      least = Math.min(least, Number(process.hrtime.bigint() - began));
      sink.close();
    }
    return least / FRAMES;
  };
}

const state = await readBridge(found.place, found.ifindex);
const probes = new Map<Side, WatchProbes>();
for (const side of SIDES) {
  if (side === "none") continue;
  say(`loading ${side}`);
  const loaded = await loadWatch([await chooseBackend(side)], null);
  loaded.aim([{ number: 1, state }]);
  loaded.entries({ number: 1, state }, state.entries, true);
  probes.set(side, loaded);
}

const ways = {
  veth: sender("v0", macOf("b"), "v1"),
  forward: sender("eth0", macOf("b"), "eth0"),
};
const instructions = { veth: {}, forward: {} } as Pick<WatchReport, "veth" | "forward">;
// What has not run often yet takes Node longer, and it puts what it has optimized in place between two turns.
for (let time = 0; time < 10; time++) {
  for (const way of Object.values(ways)) way();
  await sleep(50);
}
for (const side of SIDES) {
  const attached = probes.get(side);
  await attached?.ready();
  // As `watch` counts on a busy bridge: one frame in 64 is timed.
  await attached?.attach(6);
  for (const [name, way] of Object.entries(ways)) {
    instructions[name as keyof typeof ways][side] = way();
  }
  await attached?.detach();
  say(`${side}: ${JSON.stringify(instructions)}`);
}

const before = new Map([...probes].map(([side, one]) => [side, one.read()]));
for (const one of probes.values()) {
  await one.ready();
  await one.attach(0);
}
const host = state.address;
lab.shell("ip addr add 10.77.0.9/24 dev br0");
for (const [from, to, count] of [
  ["a", macOf("b"), 30],
  ["a", GONE, 20],
  ["c", "ff:ff:ff:ff:ff:ff", 10],
  ["b", macOf("b"), 5],
  ["b", "01:00:5e:01:02:03", 7],
  ["c", host, 9],
] as const) {
  lab.got("c", { from, to, count });
}
// With room for one frame on the way to the other ends, all copies of a flood but the first are dropped behind their ports.
const BACKLOG = "/proc/sys/net/core/netdev_max_backlog";
const room = readFileSync(BACKLOG);
writeFileSync(BACKLOG, "0");
lab.got("c", { from: "a", to: GONE, count: 10 });
writeFileSync(BACKLOG, room);
// New, and moved.
lab.got("b", { from: "b", source: MOVER, to: GONE, count: 3 });
lab.got("c", { from: "c", source: MOVER, to: GONE, count: 3 });
lab.shell("ping -c 3 -i 0.05 -q 10.77.0.1 >/dev/null");
await sleep(200);
for (const one of probes.values()) await one.detach();
const counted = {} as WatchReport["counted"];
for (const [side, one] of probes) {
  if (side === "none") continue;
  const of = tallies(before.get(side) ?? NOTHING, one.read(), one.dropNames);
  counted[side] = Object.fromEntries(
    [state, ...state.ports].map(({ name, ifindex }) => {
      const device = deviceKey(state.place.inode, ifindex);
      const { latency: _, ...tally } = of(one.slotsOf(1, device));
      return [name, tally];
    }),
  );
}
for (const one of probes.values()) await one.close();

say("following by fentry");
const following = await loadWatch([await chooseBackend("fentry")], MOVER);
following.aim([{ number: 1, state }]);
await following.ready();
await following.attach(0);
lab.shell(`bridge fdb del ${MOVER} dev pc master`);
for (const from of ["b", "c"] as const) lab.got(from, { from, source: MOVER, to: GONE, count: 2 });
const portOf = (ifindex: number) => state.ports.find((port) => port.ifindex === ifindex)?.name;
const lessons = following
  .lessons()
  .filter(({ address }) => address === MOVER)
  .map(({ port, taught: { protocol, destination }, heard }) => ({
    ...{ port: portOf(port), protocol, destination, isFirst: heard?.isFirst },
    before: heard?.before ? portOf(heard.before.port) : null,
  }));
await following.detach();
await following.close();

/** A port joins, sends at once, and is sent to: nothing of that is flooded. */
function bear() {
  lab.shell(`ip link add pn type veth peer name eth9 address ${NEWBORN} netns ${lab.hosts.c.pid}`);
  lab.shell("ip link set pn master br0 up");
  lab.shell("ip link set eth9 up", "c");
  sender("eth9", macOf("a"), "eth0", "c", NEWBORN)();
  lab.got("c", { from: "a", to: NEWBORN, count: 100 });
}

const explained = {} as WatchReport["explained"];
for (const side of SIDES) {
  if (side === "none") continue;
  say(`explaining by ${side}`);
  let sent = 0;
  let looking = false;
  const over = new AbortController();
  const answer = explainBridge({
    ...{ bridge: "br0", netns: String(lab.bridge.pid), backend: side, seconds: 600 },
    ...{ maxOverhead: 1, signal: over.signal },
    onCounting: () => {
      looking = true;
    },
  });
  void answer.finally(() => over.abort());
  while (!over.signal.aborted) {
    if (looking) {
      if (sent === 0) bear();
      lab.got("c", { from: "a", to: GONE, count: 20 });
      lab.got("c", { from: "a", to: LINK_LOCAL, count: 20, etherType: 0x888e });
      sent += 20;
    }
    await sleep(20);
    if (sent === 200) over.abort();
  }
  lab.shell("ip link del pn");
  explained[side] = (await answer).findings.map(({ kind, cause, frames, copies }) => ({
    ...{ kind, cause, frames, copies },
  }));
}
await lab.leave();

const report: WatchReport = { ...instructions, counted, lessons, explained };
process.stdout.write(JSON.stringify(report));
