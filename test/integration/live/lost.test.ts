/** What is lost, frame for frame against what was sent, at all the places where frames of a bridge end, and what is known. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBridge } from "../../../src/bridge/read-bridge.ts";
import { whichBridge } from "../../../src/bridge/which-bridge.ts";
import { type Collected, collect, type Lost } from "../../../src/live/collect.ts";
import { type FloodLab, floodLab, type HostName, macOf } from "../explain/lab.ts";
import { type HostState, hostChanges, hostState } from "../host-state.ts";

let before: HostState;
let lab: FloodLab;
beforeAll(async () => {
  before = hostState();
  lab = await floodLab();
});
afterAll(async () => {
  await lab.leave();
  expect(await hostChanges(before, 3000)).toEqual({});
});

async function collectedDuring(bridge: string, act: () => void): Promise<Collected> {
  const [found] = await whichBridge(bridge, String(lab.bridge.pid));
  if (found === undefined) throw new Error("the lab has no bridge");
  const enough = new AbortController();
  const collected = await collect(await readBridge(found.place, found.ifindex), {
    ...{ seconds: 60, backend: "auto", maxOverhead: 1, signal: enough.signal },
    onCounting: () => {
      act();
      setTimeout(() => enough.abort(), 50);
    },
  });
  expect(collected.notes).toEqual([]);
  return collected;
}

function ifindexOf(device: string): number {
  const [link] = JSON.parse(lab.bridge.ip("-j", "link", "show", "dev", device));
  return link.ifindex;
}

/** Of a source, or what is lost on the way to a destination. */
const briefly = (lost: readonly Lost[]) =>
  lost.map(({ port, frames, at, behind, where, reason }) => ({
    ...{ port, frames, at, behind, where, reason },
  }));

const SENT = 40;
const PORT = 514;
const HOST = "02:00:00:00:0b:09";
const GONE = "02:00:00:00:99:99";
const NOWHERE = "02:00:00:00:99:98";
const FRAME_BYTES = 60;

/** Pings that nobody answers are no failure of the shell. */
const ping = (to: string, from?: HostName, words = "") =>
  lab.shell(`ping -q -i 0.002 -W 0.1 -c ${SENT} ${words} ${to} > /dev/null || true`, from);

const udp = (from: HostName, to: string, port: number) =>
  lab.shell(
    `python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(${SENT}): s.sendto(b"x", ("${to}", ${port}))'`,
    from,
  );

/** Hosts know their neighbours, so that no ARP stands between them, and the bridge has heard them all. */
function meet(): void {
  const hosts = ["a", "b", "c"] as const;
  lab.shell(`ip link set br0 address ${HOST}; ip addr add 10.77.0.9/24 dev br0`);
  for (const [own, host] of hosts.entries()) {
    ping("10.77.0.9", host, "-c 1");
    lab.shell(`ip neigh replace 10.77.0.${own + 1} lladdr ${macOf(host)} nud permanent dev br0`);
    lab.shell(`ip neigh replace 10.77.0.9 lladdr ${HOST} nud permanent dev eth0`, host);
    for (const [index, other] of hosts.entries()) {
      const set = `ip neigh replace 10.77.0.${index + 1} lladdr ${macOf(other)} nud permanent dev eth0`;
      if (other !== host) lab.shell(set, host);
    }
  }
}

const flow = ({ known }: Collected, source: string, destination: string) => {
  const same = known.filter((one) => one.source === source && one.destination === destination);
  expect(same).toHaveLength(1);
  return same[0];
};

const lostTo = ({ lost }: Collected, source: string, destination: string) =>
  lost.filter((one) => one.source === source && one.destination === destination);

describe("of frames that pass, end in the bridge, or behind a port of it", () => {
  let seen: Collected;

  beforeAll(async () => {
    meet();
    lab.shell(`ip link set pb mtu 1000
      ip link add vx type vxlan id 7 dstport 4789 local 127.0.0.1
      ip link set vx master br0 up; ip link set lo up
      bridge fdb add ${GONE} dev vx master static
      for port in pa pb pc vx; do bridge link set dev $port flood off; done
      ip neigh replace 10.77.0.77 lladdr ${NOWHERE} nud permanent dev br0`);
    lab.shell(
      `nft 'add table ip t; add chain ip t i { type filter hook input priority 0; }; add rule ip t i udp dport ${PORT} drop'`,
    );
    seen = await collectedDuring("br0", () => {
      ping("10.77.0.3", "b");
      ping("10.77.0.2", "a", "-s 1400");
      ping("10.77.0.2", "a", "-s 1300 -c 1");
      udp("a", "10.77.0.3", PORT);
      udp("c", "10.77.0.9", PORT);
      ping("10.77.0.77");
      const frames = { from: "a", count: SENT, settleMs: 10 } as const;
      lab.got("c", { ...frames, to: GONE });
      lab.got("c", { ...frames, to: "01:80:c2:00:00:03", etherType: 0x888e });
    });
  });

  it("those that arrive are known, and nothing of them is lost", () => {
    const [b, c] = [macOf("b"), macOf("c")];
    const both = { vlan: 0, frames: SENT, copies: SENT, hostCopies: 0 };
    expect(flow(seen, b, c)).toEqual({ port: ifindexOf("pb"), source: b, destination: c, ...both });
    expect(flow(seen, c, b)).toMatchObject({ port: ifindexOf("pc"), ...both });
    expect([lostTo(seen, b, c), lostTo(seen, c, b)]).toEqual([[], []]);
  });

  it("those that are too long for a port are lost there", () => {
    const [lost, ...more] = lostTo(seen, macOf("a"), macOf("b"));
    expect(more).toEqual([]);
    expect(lost).toMatchObject({
      ...{ class: "unicast", port: ifindexOf("pa"), at: ifindexOf("pb"), behind: false, vlan: 0 },
      ...{ frames: SENT + 1, longest: 14 + 20 + 8 + 1400 },
      where: expect.stringMatching(/^br_(nf_)?dev_queue_(push_)?xmit$/),
      addresses: { source: "10.77.0.1", destination: "10.77.0.2", protocol: "ICMP" },
    });
    expect(lost?.steps.reduce((sum, { frames }) => sum + frames, 0)).toBe(SENT + 1);
    expect(lost?.firstNs).toBeGreaterThan(seen.beganNs);
    const came = { frames: SENT + 1, copies: 0, hostCopies: 0 };
    expect(flow(seen, macOf("a"), macOf("b"))).toMatchObject(came);
  });

  it("those for a VXLAN port without a remote are lost in it", () => {
    const at = ifindexOf("vx");
    const where = { where: "vxlan_xmit", reason: "NO_TX_TARGET" };
    expect(briefly(lostTo(seen, macOf("a"), GONE))).toEqual([
      { port: ifindexOf("pa"), frames: SENT, at, behind: false, ...where },
    ]);
    expect(flow(seen, macOf("a"), GONE)).toMatchObject({ frames: SENT, copies: SENT });
  });

  it("those for a group that a bridge keeps to itself are lost where they came in", () => {
    const [lost, ...more] = lostTo(seen, macOf("a"), "01:80:c2:00:00:03");
    expect(more).toEqual([]);
    const pa = ifindexOf("pa");
    expect(lost).toMatchObject({ class: "multicast", frames: SENT, port: pa, at: pa });
    expect(lost).toMatchObject({ longest: FRAME_BYTES, addresses: { protocol: null } });
  });

  it("those that the host sends to no port are lost in its own device", () => {
    const br0 = ifindexOf("br0");
    expect(lostTo(seen, HOST, NOWHERE)).toEqual([
      expect.objectContaining({ port: br0, at: br0, frames: SENT, behind: false }),
    ]);
  });

  it("those that the host's own firewall drops have arrived", () => {
    const all = { frames: SENT, copies: SENT, hostCopies: SENT };
    expect(flow(seen, macOf("c"), HOST)).toMatchObject(all);
    expect(lostTo(seen, macOf("c"), HOST)).toEqual([]);
  });

  it("those that a container has no socket for have arrived", () => {
    expect(flow(seen, macOf("a"), macOf("c"))).toMatchObject({ frames: SENT, copies: SENT });
    expect(lostTo(seen, macOf("a"), macOf("c"))).toEqual([]);
  });

  it("nothing else is lost", () => {
    const destinations = seen.lost.map(({ destination }) => destination).sort();
    // IGMP's, which the bridge's own host sends while no port takes it.
    expect(destinations.filter((one) => !one.startsWith("01:00:5e:"))).toEqual(
      ["01:80:c2:00:00:03", macOf("b"), NOWHERE, GONE].sort(),
    );
  });
});

describe("of frames that somebody wants to be dropped", () => {
  let seen: Collected;

  beforeAll(async () => {
    lab.shell("ip link del vx; nft flush ruleset; ip link set pb mtu 1500");
    lab.shell(`sysctl -qw net.bridge.bridge-nf-call-iptables=1
      bridge link set dev pa isolated on; bridge link set dev pb isolated on`);
    lab.shell(
      `nft 'add table ip t; add chain ip t p { type filter hook prerouting priority 0; }; add rule ip t p udp dport 603 drop; add chain ip t f { type filter hook forward priority 0; }; add rule ip t f udp dport 604 drop'`,
    );
    lab.shell(
      `nft 'add table netdev t; add chain netdev t i { type filter hook ingress device pa priority 0; }; add rule netdev t i udp dport 602 drop; add chain netdev t e { type filter hook egress device pc priority 0; }; add rule netdev t e udp dport 601 drop'`,
    );
    lab.shell(
      "ip link set br0 type bridge stp_state 1 forward_delay 3000; ip link set pb down; ip link set pb up",
    );
    // The port forgot it when it went down.
    lab.shell(`bridge fdb replace ${macOf("b")} dev pb master static`);
    seen = await collectedDuring("br0", () => {
      const frames = { from: "a", to: macOf("b"), count: SENT, settleMs: 10 } as const;
      lab.got("c", frames);
      lab.got("c", { ...frames, from: "b", to: macOf("c") });
      for (const port of [601, 602, 603, 604]) udp("a", "10.77.0.3", port);
    });
  });

  it("those between isolated ports are lost where they came in", () => {
    expect(briefly(lostTo(seen, macOf("a"), macOf("b")))).toMatchObject([
      { frames: SENT, at: ifindexOf("pa"), where: expect.stringMatching(/^br_/) },
    ]);
    expect(flow(seen, macOf("a"), macOf("b"))).toMatchObject({ frames: SENT, copies: 0 });
  });

  it("those of a port that does not forward yet are lost there", () => {
    const port = ifindexOf("pb");
    expect(briefly(lostTo(seen, macOf("b"), macOf("c")))).toMatchObject([
      { port, frames: SENT, at: port, where: "br_handle_frame" },
    ]);
  });

  it("those that netfilter drops are lost where they came in, or where they would have left", () => {
    const drops = lostTo(seen, macOf("a"), macOf("c"));
    const [port, pc] = [ifindexOf("pa"), ifindexOf("pc")];
    const all = { port, frames: 2 * SENT, behind: false, reason: "NETFILTER_DROP" };
    const where = expect.stringMatching(/^nf/);
    expect(briefly(drops).sort((one, other) => one.at - other.at)).toEqual([
      { ...all, at: port, where },
      { ...all, at: pc, where },
    ]);
  });

  it("of a flow all have come, whatever became of them", () => {
    const came = { frames: 4 * SENT, copies: 0, hostCopies: 0 };
    expect(flow(seen, macOf("a"), macOf("c"))).toMatchObject(came);
  });

  it("a bridge that is promiscuous takes them without a drop", async () => {
    lab.shell("ip link set br0 promisc on");
    const frames = { from: "a", to: macOf("b"), count: SENT, settleMs: 10 } as const;
    const collected = await collectedDuring("br0", () => void lab.got("c", frames));
    expect(lostTo(collected, macOf("a"), macOf("b"))).toEqual([]);
    const counted = { frames: SENT, copies: SENT, hostCopies: SENT };
    expect(flow(collected, macOf("a"), macOf("b"))).toMatchObject(counted);
  });
});

describe("of a burst that a CPU's backlog has no room for", () => {
  const BURST = 60;
  const most = Number(readFileSync("/proc/sys/net/core/netdev_max_backlog", "utf8"));
  /** So many that BURST frames, which a CPU takes from its backlog at once, are too many copies. */
  const ports = Math.ceil((most * 1.2) / BURST);

  it("the copies behind the ports are lost that the interfaces count as dropped", async () => {
    // One frame to br1 comes to br2 by all the links between them, whose ends there do not forward to each other.
    const links = Array.from({ length: BURST }, (_, n) => [
      `link add u${n} type veth peer name d${n}`,
      `link set u${n} master br1 up`,
      `link set d${n} master br2 up`,
    ]).flat();
    const ends = Array.from({ length: ports }, (_, n) => [
      `link add q${n} type veth peer name e${n} netns ${lab.hosts.c.pid}`,
      `link set q${n} master br2 up`,
    ]).flat();
    const batch = (lines: string[], at?: HostName) =>
      lab.shell(`ip -batch - <<'END'\n${lines.join("\n")}\nEND`, at);
    lab.shell("ip link add br1 type bridge; ip link add br2 type bridge");
    batch([...links, ...ends]);
    batch(
      Array.from({ length: ports }, (_, n) => `link set e${n} up`),
      "c",
    );
    lab.shell("for n in $(seq 0 59); do bridge link set dev d$n isolated on; done");
    lab.shell("ip link set br2 up; ip link set br1 up");
    const dropped = () =>
      JSON.parse(lab.shell("ip -j -s link show master br2")).reduce(
        (sum: number, link: { stats64: { tx: { dropped: number } } }) =>
          sum + link.stats64.tx.dropped,
        0,
      );
    let count = 0;
    const seen = await collectedDuring("br2", () => {
      const had = dropped();
      lab.shell("ip neigh add 10.99.0.1 lladdr ff:ff:ff:ff:ff:ff dev br1 nud permanent");
      lab.shell("ip addr add 10.99.0.2/24 dev br1; ping -q -c 1 -W 0.1 10.99.0.1 || true");
      count = dropped() - had;
    });
    expect(count).toBeGreaterThan(0);
    const behind = seen.lost.filter((one) => one.behind);
    expect(behind.reduce((sum, { frames }) => sum + frames, 0)).toBe(count);
    expect(new Set(behind.map(({ reason, class: kind }) => `${reason} ${kind}`))).toEqual(
      new Set(["CPU_BACKLOG broadcast"]),
    );
    expect(seen.softnetDropped).toBeGreaterThanOrEqual(count);
    const uplinks = new Set(Array.from({ length: BURST }, (_, n) => ifindexOf(`d${n}`)));
    expect(behind.every(({ port, at }) => uplinks.has(port) && !uplinks.has(at))).toBe(true);
  });
});
