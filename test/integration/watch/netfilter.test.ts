/** Frames that netfilter redirects, rewrites, keeps or drops: what the interface counters say holds. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { WatchPort, WatchRecord } from "../../../src/document/watch.ts";
import { type FloodLab, floodLab } from "../explain/lab.ts";
import { type HostState, hostChanges, hostState } from "../host-state.ts";
import { during, expectBalanced, sum } from "./records.ts";

let lab: FloodLab;
let before: HostState;

beforeEach(async () => {
  before = hostState();
  lab = await floodLab();
});
afterEach(async () => {
  await lab.leave();
  expect(await hostChanges(before, 3000)).toEqual({});
});

const DATAGRAMS = 20;
const SERVICE = "198.19.22.100";

/** UDP from host a. */
function send(to: string, bytes = 100): void {
  const program = `
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(${DATAGRAMS}):
    s.sendto(b"x" * ${bytes}, ("${to}", 514))
    time.sleep(.002)`;
  lab.shell(`python3 -c '${program}'`, "a");
}

/** Hosts know each other, so that no ARP stands between them; the bridge routes, and the service's address is b's (\`dnat\`). */
function withService(): void {
  lab.shell("sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1");
  lab.shell(
    "sysctl -qw net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.br0.send_redirects=0 net.ipv4.icmp_ratelimit=0",
  );
  lab.shell("ip addr add 10.77.0.9/24 dev br0; ip link set lo up");
  lab.shell(
    `nft 'add table ip t; add chain ip t pre { type nat hook prerouting priority dstnat; }; add rule ip t pre ip daddr ${SERVICE} dnat to 10.77.0.2; add rule ip t pre ip daddr 10.77.0.3 udp dport 514 redirect'`,
  );
  lab.shell("ip route add default via 10.77.0.9", "a");
}

const drop = (family: string, hook: string) =>
  lab.shell(
    `nft 'add table ${family} t; add chain ${family} t c { type filter hook ${hook} priority 0; }; add rule ${family} t c udp dport 514 drop'`,
  );

const acted = async (act: () => void) => {
  const records = await during(lab, (step) => {
    if (step === 1) act();
  });
  // Nothing that is left or right of the traffic may stand for it.
  expect(records.map(({ counted, seconds }) => counted === seconds)).not.toContain(false);
  return records;
};

const decided = (records: WatchRecord[], port: string) => ({
  known: sum(records, port, ({ decisions }) => decisions?.knownUnicast ?? null),
  local: sum(records, port, ({ decisions }) => decisions?.local ?? null),
  filtered: sum(records, port, ({ decisions }) => decisions?.filtered ?? null),
  held: sum(records, port, ({ held }) => held),
});

/** Of all records, at a port, by reason and function. */
function dropsAt(records: WatchRecord[], port: string): Record<string, number> {
  const all: Record<string, number> = {};
  for (const record of records) {
    for (const { reason, where, count } of portNamed(record, port).dropped ?? []) {
      all[`${reason} ${where}`] = (all[`${reason} ${where}`] ?? 0) + count;
    }
  }
  return all;
}

const portNamed = (record: WatchRecord, name: string): WatchPort => {
  const port = record.ports.find((one) => one.name === name);
  if (port === undefined) throw new Error(`there is no port ${name}`);
  return port;
};

/** Frames that came in are each of one decision, or held. */
function expectDecided(records: WatchRecord[]): void {
  for (const record of records) {
    for (const { name, ingress, decisions, held } of record.ports) {
      const all = Object.values(decisions ?? {}).reduce((sum, one) => sum + one, held ?? 0);
      expect([name, all]).toEqual([name, ingress]);
    }
  }
}

describe("a frame that netfilter gives another destination", () => {
  it("is known where it is bridged to the port of that, at once or once the neighbour answers", async () => {
    withService();
    const records = await acted(() => send(SERVICE));
    // And the answer to the ARP request for b, or to b's for a.
    expect(decided(records, "pa").known).toBeGreaterThanOrEqual(DATAGRAMS);
    expect(decided(records, "pa")).toMatchObject({ local: 0, filtered: 0, held: 0 });
    expectDecided(records);
    expectBalanced(records);
  });

  it("is not counted twice where the bridge is promiscuous and the host routes its copy too", async () => {
    withService();
    lab.shell("ip link set br0 promisc on");
    const records = await acted(() => send(SERVICE));
    expect(decided(records, "pa")).toMatchObject({ local: 0, filtered: 0, held: 0 });
    // Its copy to b, and the one to the host, which sends it once more.
    expect(sum(records, "pa", ({ copies }) => copies)).toBeGreaterThanOrEqual(2 * DATAGRAMS);
    expect(sum(records, "host", ({ ingress }) => ingress)).toBeGreaterThanOrEqual(DATAGRAMS);
    expect(sum(records, "pb", ({ egress }) => egress)).toBeGreaterThanOrEqual(2 * DATAGRAMS);
    expectDecided(records);
    expectBalanced(records);
  });

  it("is local where it is redirected to the host", async () => {
    withService();
    const records = await acted(() => send("10.77.0.3"));
    expect(decided(records, "pa").local).toBeGreaterThanOrEqual(DATAGRAMS);
    expect(decided(records, "pa")).toMatchObject({ known: 0, filtered: 0, held: 0 });
    expectDecided(records);
    expectBalanced(records);
  });
});

describe("fragments that connection tracking puts together", () => {
  const FRAGMENTS = 3 * DATAGRAMS;
  const track = (verdict: string) =>
    lab.shell(
      `nft 'add table ip t; add chain ip t c { type filter hook prerouting priority 0; }; add rule ip t c ct state new udp dport 514 ${verdict}'`,
    );

  it("are forwarded where they are cut again", async () => {
    track("accept");
    const records = await acted(() => send("10.77.0.2", 4000));
    expect(decided(records, "pa")).toMatchObject({ known: FRAGMENTS, filtered: 0, held: 0 });
    expect(sum(records, "pa", ({ later }) => later)).toBeGreaterThanOrEqual(DATAGRAMS);
    expect(records.flatMap(({ notes }) => notes).join()).toContain("cut anew");
    expectDecided(records);
    expectBalanced(records);
  });

  it("are dropped with their datagram", async () => {
    track("drop");
    const records = await acted(() => send("10.77.0.2", 4000));
    expect(decided(records, "pa")).toMatchObject({ known: 0, filtered: FRAGMENTS, held: 0 });
    const drops = dropsAt(records, "pa");
    expect(Object.values(drops).reduce((all, one) => all + one, 0)).toBe(FRAGMENTS);
    expectDecided(records);
    expectBalanced(records);
  });
});

it("has a frame that leaves by the port that it came in by", async () => {
  lab.shell("ip link set pa type bridge_slave hairpin on");
  const other = "02:00:00:00:0b:77";
  lab.got("b", { from: "a", source: other, to: "ff:ff:ff:ff:ff:ff", count: 1 });
  const records = await acted(() => {
    lab.got("a", { from: "a", to: other, count: 20 });
    lab.got("a", { from: "a", to: "ff:ff:ff:ff:ff:ff", count: 10, settleMs: 20 });
  });
  expect(decided(records, "pa")).toEqual({ known: 20, local: 0, filtered: 0, held: 0 });
  // The flood reaches both others, the host and the sender.
  expect(sum(records, "pa", ({ copies }) => copies)).toBe(20 + 4 * 10);
  expectDecided(records);
  expectBalanced(records);
});

describe("what is dropped", () => {
  it("by a filter stands at the port that the frame was for, and the host's answer is the host's", async () => {
    lab.shell("ip addr add 10.77.0.9/24 dev br0; sysctl -qw net.ipv4.icmp_ratelimit=0");
    lab.shell(
      "nft 'add table ip t; add chain ip t c { type filter hook forward priority 0; }; add rule ip t c udp dport 514 reject'",
    );
    const records = await acted(() => send("10.77.0.2"));
    expect(decided(records, "pa")).toMatchObject({ filtered: DATAGRAMS, held: 0 });
    expect(dropsAt(records, "pb")).toEqual({ "NETFILTER_DROP nft_do_chain": DATAGRAMS });
    expect(sum(records, "host", ({ ingress }) => ingress)).toBeGreaterThan(0);
    expectDecided(records);
    expectBalanced(records);
  });

  it("in the bridge's own filter, too long for a port, or for its other end, is told apart", async () => {
    drop("bridge", "forward");
    lab.shell("ip link set pb mtu 1000");
    lab.shell("ip link set eth0 mtu 1000", "c");
    const records = await acted(() => {
      send("10.77.0.3");
      // c's end takes no more than 1000, and the port counts that as dropped on transmit.
      lab.shell("ping -c 4 -i 0.01 -W 0.1 -s 1200 10.77.0.3 || true", "a");
      lab.shell("ping -c 5 -i 0.01 -W 0.1 -s 1200 10.77.0.2 || true", "a");
    });
    expect(decided(records, "pa").filtered).toBe(DATAGRAMS + 5);
    const [pb, pc] = [dropsAt(records, "pb"), dropsAt(records, "pc")];
    expect(Object.values(pb)).toEqual([5]);
    expect(Object.keys(pb).join()).toMatch(/br_(nf_)?dev_queue/);
    const { "NETFILTER_DROP nft_do_chain": filtered = 0, ...others } = pc;
    expect(filtered).toBe(DATAGRAMS);
    expect(Object.values(others).reduce((all, one) => all + one, 0)).toBe(4);
    expect(sum(records, "pc", ({ counters }) => counters.txDropped)).toBe(4);
    expectDecided(records);
    expectBalanced(records);
  });

  it("at a port that STP has not let forward yet is filtered there", async () => {
    lab.shell("ip link set br0 type bridge stp_state 1 forward_delay 3000");
    lab.shell("ip link set pa nomaster; ip link set pa master br0; sleep 0.1");
    const records = await acted(() => {
      lab.got("b", { from: "a", to: "ff:ff:ff:ff:ff:ff", count: 7, settleMs: 20 });
    });
    expect(decided(records, "pa")).toMatchObject({ known: 0, filtered: 7, held: 0 });
    expect(Object.values(dropsAt(records, "pa"))).toEqual([7]);
    expect(Object.keys(dropsAt(records, "pa")).join()).toMatch(/STP|br_handle_frame/);
    expectDecided(records);
    expectBalanced(records);
  });
});
