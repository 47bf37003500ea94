/** What lint finds, by value: each rule's situation beside what only looks like it. */
import { describe, expect, it, test } from "vitest";
import {
  type LldpListeners,
  lldpMembers,
  lldpSockets,
} from "../../../src/bridge/lldp-listeners.ts";
import type {
  BridgeState,
  FilterChain,
  FilterRule,
  Place,
  Port,
  PortStpState,
  Remote,
  Vxlan,
} from "../../../src/bridge/state.ts";
import { LINT_RULES, type Lint, lintSchema } from "../../../src/document/lint.ts";
import { judged } from "../../../src/explain/lint/lint.ts";
import { ALL_RULES } from "../../../src/explain/lint/rules/index.ts";
import type { LintFacts } from "../../../src/explain/lint/rules/rule.ts";
import { A, B, bridge, C, entry, GONE, neighbour, port, withPort } from "./bridge.ts";

const HOST = bridge().place;

interface Told {
  peers?: boolean;
  addressSet?: boolean | null;
  portState?: PortStpState | null;
  filters?: ReturnType<LintFacts["filters"]>;
  lldp?: LintFacts["lldp"];
}

function facts(bridges: BridgeState[], told: Told = {}): LintFacts {
  const { peers = true, addressSet = true, portState = null, filters = null } = told;
  const { lldp = () => ({ sockets: [], members: new Map() }) } = told;
  return {
    ...{ judged: bridges, peers, lldp },
    ...{ addressSet: () => addressSet, portState: () => portState, filters: () => filters },
  };
}

/** Of one bridge, which was named. */
function lint(state: BridgeState, told?: Told): Lint {
  return lintSchema.parse(judged(facts([state], told), true));
}

const rules = (state: BridgeState, told?: Told) =>
  lint(state, told).findings.map((one) => one.rule);

function only(state: BridgeState, told?: Told) {
  const { findings } = lint(state, told);
  const [first] = findings;
  if (first === undefined || findings.length > 1) {
    expect.fail(`not one finding, but ${JSON.stringify(findings.map((one) => one.rule))}`);
  }
  return first;
}

const flags = (over: Partial<Port["flags"]>) => ({ flags: { ...port("a", A).flags, ...over } });

function peerIn(one: Port, over: object): Port {
  return { ...one, peer: { ...(one.peer ?? expect.fail()), ...over } };
}

function vxlanPort(...remotes: Vxlan["remotes"]): Port {
  const vxlan: Vxlan = {
    ...{ vni: 4097, external: false, group: null, local: null, port: 4789, learning: true },
    ...{ proxy: false, underlay: null, remotes },
  };
  return port("c", C, { name: "vxlan0", kind: "vxlan", peer: null, vxlan });
}

function remote(address: string, over: Partial<Remote> = {}): Remote {
  const at = { ip: "192.0.2.7", port: 4789, vni: 4097 };
  return { address, ...at, permanent: true, own: false, answers: null, ...over };
}

/** A bridge that has its own address and no querier: as it is made. */
const plain = bridge({ mcastQuerier: false });

test("a bridge as it is made has nothing", () => {
  const { findings, notJudged, bridge: named, ports } = lint(plain);
  expect([findings, notJudged, named?.name, ports]).toEqual([[], [], "br0", 3]);
});

test("every rule that the document knows is there, once", () => {
  expect(ALL_RULES.map(({ name }) => name).sort()).toEqual([...LINT_RULES].sort());
});

describe("loop", () => {
  const cable = (other: number) => ({ namespace: HOST, ifindex: other, name: "x" });
  const both = bridge({
    ports: [peerIn(port("a", A), cable(11)), peerIn(port("b", B), cable(10)), port("c", C)],
  });

  it("is two ends of one cable", () => {
    expect(only(both)).toMatchObject({
      ...{ rule: "loop", severity: "high" },
      remedy: { command: "ip link set dev pb down" },
    });
  });

  const inner = (name: string, master: number) => ({
    master,
    ...{ namespace: HOST, ifindex: master + 100, name },
    uppers: [
      {
        ...{ namespace: HOST, name: `in${master}`, ifindex: master, kind: "bridge", address: C },
        ...{ addresses: [], joined: [] },
      },
    ],
  });
  const twice = bridge({
    ports: [peerIn(port("a", A), inner("xa", 50)), peerIn(port("b", B), inner("xb", 50))],
  });

  it("is two cables to one bridge of which none is blocked", () => {
    expect(only(twice, { portState: "forwarding" })).toMatchObject({
      ...{ rule: "loop", severity: "high" },
      text: "pa and pb both lead to in50 of host and forward: they are a loop, and both ends forward",
      remedy: { command: expect.stringMatching(/^ip link set dev pb down/) },
    });
  });

  it("is only suspected where the other ends' states are not seen", () => {
    expect(only(twice)).toMatchObject({ rule: "loop", severity: "medium", remedy: null });
  });

  it("is none where a spanning tree blocks one, and where they lead to two bridges", () => {
    expect(rules(twice, { portState: "blocking" })).toEqual([]);
    expect(rules({ ...twice, stp: true }, { portState: "forwarding" })).not.toContain("loop");
    const apart = [peerIn(port("a", A), inner("xa", 50)), peerIn(port("b", B), inner("xb", 51))];
    expect(rules(bridge({ ports: apart }), { portState: "forwarding" })).toEqual([]);
  });
});

describe("port-limit", () => {
  const of = (many: number) =>
    bridge({ mcastQuerier: false, maxBacklog: 5000, ports: veths(many) });

  it("is early enough, and severe when the next port is refused", () => {
    expect(rules(of(920))).toEqual([]);
    expect(only(of(921))).toMatchObject({
      ...{ rule: "port-limit", severity: "medium" },
      text: "br0 has 921 ports, and a bridge can have 1023: there is room for 102 more",
    });
    expect(only(of(1023))).toMatchObject({ severity: "high" });
  });
});

describe("ageing-disabled", () => {
  it("is a hub of three ports, and not a wire of two", () => {
    expect(only({ ...plain, ageingMs: 0 })).toMatchObject({
      ...{ rule: "ageing-disabled", severity: "medium" },
      remedy: { command: "ip link set dev br0 type bridge ageing_time 30000" },
    });
    expect(rules({ ...plain, ageingMs: 0, ports: plain.ports.slice(0, 2) })).toEqual([]);
  });
});

describe("learning-off", () => {
  const off = withPort(plain, "pb", flags({ learning: false }));

  it("is a port whose entries nobody sets", () => {
    expect(only(off)).toMatchObject({
      ...{ rule: "learning-off", severity: "medium" },
      remedy: { command: "bridge link set dev pb learning on" },
    });
    const more = withPort(off, "pc", flags({ learning: false }));
    expect(only(more).text).toMatch(/; so it is at pb and pc$/);
  });

  it("is not one that somebody tends, that is locked, or that is an overlay's", () => {
    expect(rules({ ...off, entries: [entry(B, "b", { static: true })] })).toEqual([]);
    expect(rules(withPort(plain, "pb", flags({ learning: false, locked: true })))).toEqual([]);
    const overlay = { ...vxlanPort(remote("00:00:00:00:00:00")), ...flags({ learning: false }) };
    expect(rules(bridge({ ports: [port("a", A), port("b", B), overlay] }))).toEqual([]);
    expect(rules({ ...off, ports: off.ports.slice(0, 2) })).toEqual([]);
  });
});

describe("fdb-full", () => {
  it("is as many learned entries as there may be", () => {
    expect(only({ ...plain, learned: 8, maxLearned: 8 })).toMatchObject({
      ...{ rule: "fdb-full", severity: "medium" },
    });
    expect(rules({ ...plain, learned: 7, maxLearned: 8 })).toEqual([]);
    expect(rules({ ...plain, learned: 7, maxLearned: 0 })).toEqual([]);
  });
});

describe("mtu-spread", () => {
  const small = { ...withPort(plain, "pb", { mtu: 1400 }), mtu: 1400 };

  it("is a port that is smaller than another, or than the bridge itself", () => {
    const one = only(small);
    expect(one).toMatchObject({
      ...{ rule: "mtu-spread", severity: "medium" },
      remedy: { command: "ip link set dev pb mtu 1500", undo: "ip link set dev pb mtu 1400" },
    });
    expect(one.text).toMatch(/^packets of more than 1400 bytes do not leave by pb/);
    expect(one.evidence[2]).toMatch(/br0 has sunk to it$/);
    const { text } = only({ ...plain, mtu: 9000 });
    expect(text).toContain("though the host (br0, 9000) can send them");
  });

  it("is not mended where the other end is as small, or it is a VXLAN", () => {
    const ends = peerIn(port("b", B, { mtu: 1400 }), { mtu: 1400 });
    expect(only({ ...plain, ports: [port("a", A), ends, port("c", C)] }).remedy).toBeNull();
    const overlay = { ...vxlanPort(remote("00:00:00:00:00:00")), mtu: 1450 };
    const { noRemedy } = only(bridge({ mcastQuerier: false, ports: [port("a", A), overlay] }));
    expect(noRemedy).toMatch(/^a VXLAN's MTU/);
  });

  it("is none where all have one, and of ports that are down", () => {
    const all = plain.ports.map((one) => ({ ...one, mtu: 1450 }));
    expect(rules({ ...plain, mtu: 1450, ports: all })).toEqual([]);
    expect(rules(withPort(plain, "pb", { mtu: 1400, up: false }))).toEqual([]);
  });
});

describe("mac-unpinned", () => {
  const lent = bridge({
    ...{ mcastQuerier: false, addresses: ["10.88.0.1", "fe80::1"], address: "02:aa:00:00:00:01" },
    ports: [
      port("a", A, { address: "02:aa:00:00:00:01" }),
      port("b", B, { address: "62:00:00:00:00:02" }),
    ],
  });

  it("is a gateway that has its address from a container's port", () => {
    expect(only(lent, { addressSet: false })).toMatchObject({
      ...{ rule: "mac-unpinned", severity: "medium" },
      remedy: { command: "ip link set dev br0 address 02:aa:00:00:00:01" },
    });
  });

  it("is not one whose address was set, or that nobody sends to", () => {
    expect(rules(lent)).toEqual([]);
    expect(rules({ ...lent, addresses: ["fe80::1"] }, { addressSet: false })).toEqual([]);
    expect(rules({ ...lent, address: "02:00:00:00:00:77" }, { addressSet: false })).toEqual([]);
  });

  it("is not one that has it from a device that stays", () => {
    const of = (over: Partial<Port>) => withPort(lent, "pa", over);
    expect(rules(of({ kind: "device", peer: null }), { addressSet: false })).toEqual([]);
    const [first] = lent.ports;
    const patch = peerIn(first ?? expect.fail(), { namespace: HOST });
    expect(rules(of(patch), { addressSet: false })).toEqual([]);
  });

  it("says so where sysfs does not tell", () => {
    const { findings, notJudged } = lint(lent, { addressSet: null });
    expect(findings).toEqual([]);
    expect(notJudged).toMatchObject([{ rule: "mac-unpinned", bridges: ["br0"] }]);
  });
});

describe("stp-delay", () => {
  const slow = { ...plain, stp: true, options: { root_id: "1", bridge_id: "1" } };

  it("is what every container waits for", () => {
    expect(only(slow)).toMatchObject({
      ...{ rule: "stp-delay", severity: "medium" },
      remedy: {
        command: "ip link set dev br0 type bridge forward_delay 200",
        undo: "ip link set dev br0 type bridge forward_delay 1500",
      },
    });
  });

  it("is not libvirt's two seconds, a bridge of cables, or without a spanning tree", () => {
    expect(rules({ ...slow, forwardDelayS: 2 })).toEqual([]);
    expect(rules({ ...slow, stp: false })).toEqual([]);
    const cables = slow.ports.map((one) => ({ ...one, kind: "device", peer: null }));
    expect(rules({ ...slow, ports: cables })).toEqual([]);
  });

  it("is the root's to mend", () => {
    const below = { ...slow, options: { root_id: "1", bridge_id: "2" } };
    expect(only(below)).toMatchObject({ remedy: null, noRemedy: expect.stringContaining("root") });
  });
});

/** As many veth ports, of which the first are as said. */
const veths = (many: number, over: Partial<Port> = {}) =>
  Array.from({ length: many }, (_, at) => {
    const address = `02:00:00:01:${(at >> 8).toString(16).padStart(2, "0")}:${(at & 255).toString(16).padStart(2, "0")}`;
    return port("a", A, { ifindex: 100 + at, name: `p${at}`, address, peer: null, ...over });
  });

describe("backlog", () => {
  const of = (many: number, over: Partial<Port> = {}) =>
    bridge({ mcastQuerier: false, maxBacklog: 100, ports: veths(many, over) });

  it("is more copies of one broadcast than a CPU's queue holds", () => {
    expect(only(of(103))).toMatchObject({
      ...{ rule: "backlog", severity: "high" },
      remedy: { command: "sysctl -w net.core.netdev_max_backlog=1000" },
    });
    // 101 copies: a hundred wait, and one more is let in.
    expect(rules(of(102))).toEqual([]);
  });

  it("is none of taps, of ports that do not forward, and of those that get no broadcast", () => {
    expect(rules(of(103, { kind: "tun" }))).toEqual([]);
    expect(rules(of(103, { state: "blocking" }))).toEqual([]);
    expect(rules(of(103, flags({ bcastFlood: false })))).toEqual([]);
  });

  it("is not judged of many where the limit is not told, and no matter for few", () => {
    const unjudged = (many: number) => lint({ ...of(many), maxBacklog: null }).notJudged;
    expect(unjudged(900)).toEqual([]);
    expect(unjudged(1020).map(({ rule }) => rule)).toEqual(["backlog"]);
  });
});

describe("snooping", () => {
  const NODE = "ff02::1:ff00:412";
  const querier = { ip4: null, ip6: { address: "fe80::1", port: 12 } };
  const member = (group: string, at: number) => ({
    ...{ group, source: null, vlan: 0, port: at, permanent: false },
  });
  const state = (members: ReturnType<typeof member>[], by: object | null = querier) =>
    bridge({
      ...{ mcastQuerier: false, addresses: [] },
      multicast: { members, routers: [], querier: { ip4: null, ip6: null, ...by } },
      ports: [
        port("a", A),
        peerIn(port("b", B), { addresses: ["fd77::412"], joined: [NODE, "ff02::1", "ff01::1"] }),
        port("c", C),
      ],
    });

  it("without a member starves who has joined", () => {
    const one = only(state([]));
    expect(one).toMatchObject({
      ...{ rule: "snooping-no-member", severity: "high" },
      remedy: { command: `bridge mdb add dev br0 port pb grp ${NODE} permanent` },
    });
    expect(one.text).toContain("fd77::412 is asked for by it");
  });

  it("does not where there is a member or a router, or nobody sends queries", () => {
    expect(rules(state([member(NODE, 11)]))).toEqual([]);
    const { multicast, ...rest } = state([]);
    const routers = [{ port: 11, ip4: true, ip6: true }];
    expect(rules({ ...rest, multicast: { ...multicast, routers } })).toEqual([]);
    expect(rules(state([], null))).toEqual([]);
    expect(rules({ ...state([]), mcastSnooping: false })).toEqual([]);
    expect(rules(withPort(state([]), "pb", { carrier: false }))).toEqual([]);
  });

  it("of many groups is one finding, with what is to be mended", () => {
    const joined = ["1", "2", "3", "4", "5"].map((end) => `ff02::1:ff00:${end}`);
    const all = state([]);
    const many = { ...all, ports: [port("a", A), peerIn(port("b", B), { joined })] };
    expect(only(many)).toMatchObject({ rule: "snooping-no-member", remedy: null });
  });

  it("without a querier gives nothing to members at ports where groups are not flooded", () => {
    const closed = withPort(state([member(NODE, 11)], null), "pb", flags({ mcastFlood: false }));
    expect(only(closed)).toMatchObject({ rule: "snooping-no-querier", severity: "high" });
    expect(rules(state([member(NODE, 11)], null))).toEqual([]);
    const elsewhere = {
      ...closed,
      multicast: { ...closed.multicast, members: [member(NODE, 12)] },
    };
    expect(rules(elsewhere)).toEqual([]);
  });

  it("without a querier sends a group of more than this link everywhere, which is told of no other", () => {
    const wide = (group: string) => rules(state([member(group, 11)], null));
    expect(only(state([member("239.1.1.1", 11)], null))).toMatchObject({
      ...{ rule: "snooping-no-querier", severity: "low" },
    });
    expect(wide("ff05::77")).toEqual(["snooping-no-querier"]);
    for (const usual of ["239.255.255.250", "ff02::fb", "ff05::c", "224.0.0.251"]) {
      expect(wide(usual)).toEqual([]);
    }
  });
});

describe("nf-call-forward", () => {
  const on = { ip: true, ip6: false, arp: false };
  const called = { ...plain, netfilterCalls: { ...on, sysctls: on } };
  const rule = (over: Partial<FilterRule>): FilterRule => ({
    ...{ handle: 1, frames: null, verdict: "accept", leadsTo: [], drops: false, etherType: null },
    ...{
      protocol: null,
      aboutBridges: false,
      aboutAddresses: false,
      asks: [],
      comment: null,
      in: null,
      out: null,
      addresses: [],
    },
    ...over,
  });
  const chain = (over: Partial<FilterChain> = {}): FilterChain => ({
    ...{ family: "ip", table: "filter", name: "FORWARD", hook: "forward", priority: 0 },
    ...{ policy: "drop", policyFrames: 7, ports: [], rules: [], unread: 0 },
    ...over,
  });
  const filters = (...chains: FilterChain[]): Told => ({
    filters: { chains, legacy: [], keepers: [], otherBridges: [] },
  });

  it("is a policy that drops, where nothing accepts", () => {
    expect(only(called, filters(chain()))).toMatchObject({
      ...{ rule: "nf-call-forward", severity: "high" },
      remedy: { command: expect.stringMatching(/^iptables-nft .*-I FORWARD -i br0 -o br0/) },
    });
    const established = rule({ asks: ["ct state"] });
    expect(rules(called, filters(chain({ rules: [established] })))).toEqual(["nf-call-forward"]);
  });

  it("is none where Docker accepts what is its own, or the rest is not judged", () => {
    const jump = rule({ verdict: "jump DOCKER-FORWARD", leadsTo: ["DOCKER-FORWARD"] });
    const docker = chain({ name: "DOCKER-FORWARD", hook: null, policy: null, rules: [rule({})] });
    expect(rules(called, filters(chain({ rules: [jump] }), docker))).toEqual([]);
    const returned = { ...docker, rules: [rule({ verdict: "return" })] };
    expect(rules(called, filters(chain({ rules: [jump] }), returned))).toEqual(["nf-call-forward"]);
    expect(rules(called, filters(chain({ rules: [rule({ asks: ["ip saddr"] })] })))).toEqual([]);
    expect(rules(called, filters(chain({ rules: [rule({ verdict: "vmap" })] })))).toEqual([]);
    expect(rules(called, filters(chain({ unread: 5 })))).toEqual([]);
  });

  it("is none of another hook, policy or family, and where nobody shows frames to it", () => {
    for (const over of [
      { hook: "input" as const },
      { policy: "accept" as const },
      { family: "bridge" as const },
      { family: "ip6" as const },
    ]) {
      expect(rules(called, filters(chain(over)))).toEqual([]);
    }
    expect(rules(plain, filters(chain()))).toEqual([]);
    const off = { ...on, ip: false };
    expect(rules({ ...plain, netfilterCalls: { ...off, sysctls: off } }, filters(chain()))).toEqual(
      [],
    );
  });

  it("is not judged where rules may not be read, or are those of legacy iptables", () => {
    const unjudged = (told: Told) => lint(called, told).notJudged.map(({ why }) => why);
    expect(unjudged({})).toEqual(["to read the rules of netfilter takes CAP_NET_ADMIN"]);
    expect(unjudged({ filters: "too-many" })[0]).toContain("named alone");
    const legacy = { legacy: [{ family: "ip" as const, table: "filter" }] };
    const none = { chains: [], keepers: [], otherBridges: [] };
    expect(unjudged({ filters: { ...none, ...legacy } })[0]).toContain(
      "iptables-legacy -S FORWARD",
    );
    expect(lint(plain).notJudged).toEqual([]);
  });
});

describe("vxlan-half-entry", () => {
  const [ZERO, SET] = ["00:00:00:00:00:00", { static: true }];
  const of = (...remotes: Remote[]) =>
    bridge({
      ports: [port("a", A), port("b", B), vxlanPort(...remotes)],
      entries: [entry(GONE, "c", SET)],
    });

  it("is an address behind a VXLAN that has no remote for it", () => {
    expect(only(of())).toMatchObject({ rule: "vxlan-half-entry", severity: "high", remedy: null });
    expect(rules(of(remote(B)))).toEqual(["vxlan-half-entry"]);
    expect(rules(of(remote(GONE)))).toEqual([]);
    expect(rules(of(remote(ZERO)))).toEqual([]);
  });

  it("is one of a device that is no port, told once for all bridges that route there", () => {
    const { vxlan } = vxlanPort();
    const flannel = {
      ...{ name: "flannel.1", ifindex: 40, up: true, counters: plain.counters },
      vxlan: vxlan ?? expect.fail(),
    };
    const believed = {
      ...{ namespace: HOST, device: "flannel.1", ifindex: 40, ip: "10.244.3.0", address: GONE },
      state: "permanent" as const,
    };
    const routed = {
      ...plain,
      ...{ addresses: ["10.244.0.1"], vxlans: [flannel], neighbours: [believed] },
    };
    const bridges = [plain, routed, { ...routed, name: "br1", addresses: ["10.245.0.1"] }];
    const { findings } = judged(facts(bridges), false);
    expect(findings.map(({ rule, bridge: at }) => [rule, at])).toEqual([
      ["vxlan-half-entry", "br0"],
    ]);
    expect(rules({ ...routed, neighbours: [] })).toEqual([]);
  });
});

describe("vxlan-stale-remote", () => {
  const of = (over: Partial<Remote>) =>
    bridge({ ports: [port("a", A), vxlanPort(remote("00:00:00:00:00:00", over))] });

  it("is a default remote that nobody is", () => {
    expect(only(of({ answers: false }))).toMatchObject({
      ...{ rule: "vxlan-stale-remote", severity: "low" },
      remedy: { command: expect.stringContaining("bridge fdb del") },
    });
    expect(rules(of({ answers: true }))).toEqual([]);
    expect(rules(of({}))).toEqual([]);
  });
});

describe("duplicate-address", () => {
  it("is one MAC address of two hosts", () => {
    const two = bridge({ ports: [port("a", A), port("b", A), port("c", C)] });
    expect(only(two)).toMatchObject({ rule: "duplicate-address", severity: "high" });
  });

  it("is one IP address of two hosts, or of a host and the bridge", () => {
    const two = withPort(plain, "pb", peerIn(port("b", B), { addresses: ["10.77.0.1"] }));
    expect(only(two)).toMatchObject({
      ...{ rule: "duplicate-address", severity: "high" },
      text: expect.stringContaining(
        "10.77.0.1 is the address of several hosts, at port pa and port pb",
      ),
    });
    expect(rules({ ...plain, addresses: ["10.77.0.2"] })).toEqual(["duplicate-address"]);
  });

  it("is none of link-local ones, in other VLANs, or of one host", () => {
    const at = (name: "pa" | "pb", over: object, ip: string) =>
      peerIn(port(name === "pa" ? "a" : "b", name === "pa" ? A : B, over), { addresses: [ip] });
    const local = [at("pa", {}, "fe80::1"), at("pb", {}, "fe80::1")];
    expect(rules(bridge({ ports: local }))).toEqual([]);
    const apart = [at("pa", { pvid: 10 }, "10.0.0.1"), at("pb", { pvid: 20 }, "10.0.0.1")];
    expect(rules(bridge({ ports: apart, vlanFiltering: true }))).toEqual([]);
    const { peer } = port("a", A);
    const same = [
      at("pa", {}, "10.0.0.1"),
      peerIn(at("pb", {}, "10.0.0.1"), { namespace: peer?.namespace }),
    ];
    expect(rules(bridge({ ports: same }))).toEqual([]);
  });

  it("is not judged where the other ends were not looked at", () => {
    const unseen = { ...plain, ports: [port("a", A, { peer: null })] };
    const { notJudged } = lint(unseen, { peers: false });
    expect(notJudged.map(({ rule }) => rule)).toEqual(["duplicate-address", "wrong-port"]);
    expect(notJudged[0]?.why).toContain("--peers");
  });
});

describe("wrong-port", () => {
  const astray = (over: object) => ({ ...plain, entries: [entry(B, "c", over)] });

  it("is severe where somebody has set it, for nothing that the host sends mends it", () => {
    expect(only(astray({ static: true }))).toMatchObject({ rule: "wrong-port", severity: "high" });
    expect(only(astray({}))).toMatchObject({ rule: "wrong-port", severity: "medium" });
    expect(rules({ ...plain, entries: [entry(B, "b", { static: true })] })).toEqual([]);
  });
});

describe("destination-gone", () => {
  const believed = { ...plain, neighbours: [neighbour("10.77.0.99", GONE)] };

  it("is a permanent neighbour that no host is", () => {
    expect(only(believed)).toMatchObject({
      ...{ rule: "destination-gone", severity: "medium" },
      remedy: { command: expect.stringContaining("neigh del 10.77.0.99") },
    });
    expect(rules({ ...plain, neighbours: [neighbour("10.77.0.2", B)] })).toEqual([]);
  });

  it("is not judged where it may be behind a port that is not seen", () => {
    const open = {
      ...believed,
      ports: [...believed.ports.slice(0, 2), { ...port("c", C), peer: null }],
    };
    const { findings, notJudged } = lint(open, { peers: false });
    expect(findings).toEqual([]);
    expect(notJudged.find(({ rule }) => rule === "destination-gone")?.why).toMatch(
      /whether somebody behind pc has it takes --peers$/,
    );
    expect(lint({ ...open, neighbours: [] }, { peers: true }).notJudged).toEqual([]);
  });
});

test("a promiscuous bridge is told of", () => {
  expect(only({ ...plain, promiscuity: 1 })).toMatchObject({
    rule: "promiscuous",
    severity: "low",
  });
});

describe("lldp-stopped", () => {
  const NOBODY: LldpListeners = { sockets: [], members: new Map() };
  const daemon = (command: string | null, ifindex = 2): LldpListeners => ({
    sockets: [{ ifindex, holder: command === null ? null : { pid: 12, command } }],
    members: new Map([[2, 1]]),
  });
  const joined = (times: number): LldpListeners => ({
    sockets: [],
    members: new Map([[2, times]]),
  });
  /** By the letter of the host. */
  const told = (by: Record<string, LldpListeners>): Told => ({
    lldp: ({ label }) => by[label.replace("netns ", "")] ?? NOBODY,
  });

  it("is daemons behind two ports, by socket or by group", () => {
    const finding = only(plain, told({ a: daemon("lldpad"), c: joined(1) }));
    expect(finding).toMatchObject({
      ...{ rule: "lldp-stopped", severity: "low" },
      text: "somebody listens for LLDP behind port pa and port pc, and br0 stops its frames (01:80:c2:00:00:0e), as bridges do: none of them ever hears of another",
      evidence: [
        "lldpad (pid 12) has a packet socket for LLDP (0x88cc) at eth0 of netns a (port pa)",
        "eth0 of netns c has joined 01:80:c2:00:00:0e (port pc)",
        "group_fwd_mask of br0: 0, without bit 14 (16384)",
      ],
      remedy: { command: expect.stringMatching(/group_fwd_mask (16384|0x4000)$/) },
    });
    expect(finding.remedy?.risk).toMatch(/neighbours of one cable/);
    expect(rules(plain, told({ a: daemon("lldpad", 0), b: daemon("ladvd", 0) }))).toEqual([
      "lldp-stopped",
    ]);
    expect(rules(plain, told({ a: daemon(null), b: daemon("ladvd") }))).toEqual([]);
  });

  it("is told beside systemd-networkd, which alone does not count", () => {
    const networkd = daemon("systemd-network");
    expect(rules(plain, told({ a: networkd, b: networkd, c: daemon("lldpad") }))).toEqual([]);
    const both = { ...networkd, members: new Map([[2, 2]]) };
    expect(rules(plain, told({ a: both, b: both }))).toEqual(["lldp-stopped"]);
    // A macvlan on it has joined, and the kernel has for that.
    const upper = {
      ...{ namespace: port("a", A).peer?.namespace ?? HOST, name: "mv0", ifindex: 3, mtu: 1500 },
      ...{ kind: "macvlan", address: C, addresses: [], joined: [] },
    };
    const carrying = (one: Port) => peerIn(one, { uppers: [upper] });
    const stacked = { ...plain, ports: [carrying(port("a", A)), carrying(port("b", B))] };
    const networkdThere: LldpListeners = {
      sockets: [3, 2].map((ifindex) => ({
        ...{ ifindex, holder: { pid: 1, command: "systemd-network" } },
      })),
      members: new Map([
        [2, 2],
        [3, 1],
      ]),
    };
    expect(rules(stacked, { lldp: () => networkdThere })).toEqual([]);
  });

  it("is none of one port or host, of ports that cannot reach each other, or where it is forwarded", () => {
    const all = told({ a: daemon("lldpad"), b: daemon("lldpad") });
    expect(rules(plain, told({ a: daemon("lldpad") }))).toEqual([]);
    expect(rules(plain, { ...all, peers: false })).toEqual([]);
    expect(rules({ ...plain, options: { group_fwd_mask: 0x4000 } }, all)).toEqual([]);
    const apart = [
      port("a", A, flags({ isolated: true })),
      port("b", B, flags({ isolated: true })),
      port("c", C),
    ];
    expect(rules({ ...plain, ports: apart }, all)).toEqual([]);
    const vlans = [port("a", A, { pvid: 1 }), port("b", B, { pvid: 2 }), port("c", C)];
    expect(rules({ ...plain, ports: vlans }, all)).toEqual([]);
    const one = port("a", A).peer ?? expect.fail();
    const twice = [port("a", A), port("b", B, { peer: { ...one, ifindex: 3, address: B } })];
    const there = { ...daemon("lldpad", 0), members: new Map() };
    expect(rules({ ...plain, ports: twice }, told({ a: there }))).toEqual([]);
  });

  it("is read from what the kernel prints", () => {
    const packet = `sk               RefCnt Type Proto  Iface R Rmem   User   Inode
000000001f2d3c4b 3      3    88cc   2     1 0      0      41234
000000001f2d3c4c 3      3    0003   2     1 0      0      41235
`;
    expect(lldpSockets(packet)).toEqual([{ ifindex: 2, inode: 41234 }]);
    const mcast = `2    eth0            1     0     333300000001
2    eth0            2     1     0180c200000e
13   veth-long       1     0     01005e000001
`;
    expect([...lldpMembers(mcast)]).toEqual([[2, 2]]);
  });
});

describe("of several bridges", () => {
  const [one, two] = [plain, { ...plain, name: "br1", ifindex: 8, promiscuity: 1 }];
  const hub = { ...plain, name: "br2", ifindex: 9, learned: 1, maxLearned: 1 };

  it("each finding names its own, the most severe first", () => {
    const bridges = [one, two, hub];
    const told = lintSchema.parse(judged(facts(bridges), false));
    expect(told.bridge).toBeNull();
    expect(told.findings.map(({ rule, bridge: of }) => [rule, of])).toEqual([
      ["fdb-full", "br2"],
      ["promiscuous", "br1"],
    ]);
    expect([told.bridges, told.ports]).toEqual([["br0", "br1", "br2"], 9]);
  });

  it("the only one is as one that was named", () => {
    expect(judged(facts([one]), false).bridge?.name).toBe("br0");
  });
});

test("a namespace's path is in the commands of a bridge elsewhere", () => {
  const away: Place = { inode: 9, path: "/run/netns/x", own: false, label: "netns x" };
  const { remedy } = only({ ...plain, place: away, ageingMs: 0 });
  expect(remedy?.command).toMatch(/^nsenter --net=\/run\/netns\/x -- ip link set/);
});
