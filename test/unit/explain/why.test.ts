/** Why a flood was: each near miss beside what it looks like. */
import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, it, test } from "vitest";
import type { BridgeState, Place, Port, Upper } from "../../../src/bridge/state.ts";
import { ALL_CAUSES } from "../../../src/explain/causes/index.ts";
import { remedyOf } from "../../../src/explain/causes/remedy.ts";
import { whyFlooded } from "../../../src/explain/causes/why.ts";
import type { Collected, Flow } from "../../../src/live/collect.ts";
import {
  A,
  B,
  bridge,
  C,
  collected,
  EVERYBODY,
  entry,
  flow,
  GONE,
  GROUP,
  neighbour,
  port,
  withPort,
} from "./bridge.ts";

const VRRP = "00:00:5e:00:01:07";
const [PA, PB, PC] = [10, 11, 12];

function why(state: BridgeState, over: Partial<Flow> = {}, seen: Partial<Collected> = {}) {
  const one = flow(over);
  return whyFlooded(state, collected([one], seen), one, `${one.source} behind port pa`);
}

function noted(state: BridgeState) {
  return ALL_CAUSES.flatMap((one) => one.notes(state)).map(({ cause }) => cause);
}

function peerOf(one: Port): NonNullable<Port["peer"]> {
  return one.peer ?? expect.fail("the port has no peer");
}

function upper(kind: string, address: string, over: Partial<Upper> = {}): Upper {
  const { namespace } = peerOf(port("b", B));
  return {
    namespace,
    name: `${kind}0`,
    ifindex: 9,
    kind,
    address,
    mtu: 1500,
    addresses: [],
    joined: [],
    ...over,
  };
}

function withPeer(name: "a" | "b" | "c", address: string, over: object): Port {
  const one = port(name, address);
  return { ...one, peer: { ...peerOf(one), ...over } };
}

describe("an address lives", () => {
  it("on a link that sits on the other end, and is learned there", () => {
    const ports = [port("a", A), withPeer("b", B, { uppers: [upper("macvlan", GONE)] })];
    const said = why(bridge({ ports }), { destination: GONE });
    expect(said).toMatchObject({ cause: "never-learned" });
    expect(said.title).toMatch(/^02:00:00:00:99:99 behind port pb: macvlan macvlan0 has no entry/);
    expect(remedyOf(bridge({ ports }), said.remedy).remedy?.command).toBe(
      `bridge fdb replace ${GONE} dev pb master static`,
    );
  });

  it("where the other end takes it besides its own", () => {
    const ports = [port("a", A), withPeer("b", B, { filter: [GONE] })];
    const state = bridge({ ports, neighbours: [neighbour("10.77.0.99", GONE)] });
    expect(why(state, { destination: GONE }).title).toContain("behind port pb: taken by eth0");
    expect(noted(state)).not.toContain("destination-gone");
  });

  it("where a VXLAN device says, unless a link is seen elsewhere", () => {
    const remote = {
      ...{ address: GONE, ip: "192.0.2.7", port: 4789, vni: 7, permanent: true, own: false },
      answers: null,
    };
    const vxlan = {
      ...{ vni: 7, external: false, group: null, local: null, port: 4789, learning: false },
      ...{ proxy: false, underlay: null },
      remotes: [remote, { ...remote, address: B }, { ...remote, address: "00:00:00:00:00:00" }],
    };
    const state = bridge({
      ports: [port("b", B), port("c", C, { kind: "vxlan", peer: null, vxlan })],
    });
    expect(why(state, { destination: GONE }).title).toContain(
      "behind port pc: pc has it at the remote 192.0.2.7 has no entry",
    );
    expect(why(state, { destination: B }).title).toContain("behind port pb has no entry");
    expect(noted(state)).toEqual([]);
  });

  it("perhaps behind a port whose other end is unseen or another bridge's, and only then", () => {
    const inner = { master: 9, uppers: [upper("bridge", C)] };
    const open = bridge({
      ports: [port("a", A, { peer: null }), withPeer("b", B, inner), port("c", C)],
    });
    expect(why(open, { destination: GONE }).title).toContain("(behind pa, pb may be others)");
    const closed = why(bridge(), { destination: GONE });
    expect(closed.title).toMatch(/no host that can be seen has that address$/);
    expect(closed.alternatives).toEqual([
      "no host has it, and the sender was told a wrong address",
    ]);
    const bond = bridge({
      ports: [port("a", A), withPeer("b", B, { master: 9, uppers: [upper("bond", B)] })],
    });
    expect(why(bond, { destination: GONE }).title).toBe(closed.title);
  });

  it("with whoever is the master, where it is a virtual router's", () => {
    const said = why(bridge({ neighbours: [neighbour("10.77.0.1", VRRP)] }), { destination: VRRP });
    expect(said).toMatchObject({ cause: "never-learned", remedy: null });
    expect(said.title).toContain("a virtual router (VRRP or CARP), and nobody sends with it");
    const both = [port("a", A), withPeer("b", B, { uppers: [upper("macvlan", VRRP)] })];
    const state = bridge({ ports: both });
    const { remedy, noRemedy } = remedyOf(state, why(state, { destination: VRRP }).remedy);
    expect(remedy).toBeNull();
    expect(noRemedy).toContain("moves to whoever is its master");
  });

  it("with the bridge, which has another by now, or lost its entry", () => {
    const moved = why(bridge({ formerAddresses: [GONE] }), { destination: GONE });
    expect(moved).toMatchObject({ cause: "destination-gone" });
    expect(moved.title).toContain("was an address of br0 itself, which has fe:00:00:00:00:00 now");
    const told = bridge({
      formerAddresses: [GONE],
      neighbours: [neighbour("10.77.0.9", GONE)],
    });
    expect(why(told, { destination: GONE }).title).toContain("pins it");
    expect(remedyOf(told, why(told, { destination: GONE }).remedy).remedy?.command).toContain(
      "neigh del 10.77.0.9",
    );
    const flushed = why(bridge(), { destination: "fe:00:00:00:00:00" });
    expect(flushed).toMatchObject({ cause: "entry-removed" });
    expect(remedyOf(bridge(), flushed.remedy).remedy?.command).toBe(
      "bridge fdb replace fe:00:00:00:00:00 dev br0 self permanent",
    );
  });

  it("at two ports where a bond has it, and with two hosts where they are", () => {
    const { namespace } = peerOf(port("b", B));
    const bond = { namespace, master: 9, uppers: [upper("bond", B)] };
    const one = bridge({ ports: [withPeer("b", B, bond), withPeer("c", B, bond)] });
    expect(noted(one)).toEqual([]);
    expect(noted(bridge({ ports: [port("b", B), port("c", B)] }))).toEqual(["mac-flapping"]);
    expect(noted(bridge({ ports: [port("b", VRRP), port("c", VRRP)] }))).toEqual([]);
    const { remedy } = why(one);
    expect(remedy).toEqual({ none: expect.stringContaining("takes it from the others") });
  });
});

describe("an entry points to another port than the host is behind", () => {
  const elsewhere = (over: Partial<BridgeState>) =>
    noted(bridge({ entries: [entry(B, "c")], ...over }));

  it("and not where the address is there too, moves rightly, or is of another VLAN", () => {
    expect(elsewhere({})).toEqual(["wrong-port"]);
    const there = withPeer("c", C, { uppers: [upper("macvlan", B)] });
    expect(elsewhere({ ports: [port("b", B), there] })).not.toContain("wrong-port");
    const virtual = { ports: [port("b", VRRP), port("c", C)], entries: [entry(VRRP, "c")] };
    expect(elsewhere(virtual)).toEqual([]);
    const vlans = [{ vid: 1, pvid: true, untagged: true }];
    const ports = [port("b", B, { vlans }), port("c", C, { vlans })];
    const inVlan = (vlan: number) => ({
      vlanFiltering: true,
      ports,
      entries: [entry(B, "c", { vlan })],
    });
    expect(elsewhere(inVlan(1))).toEqual(["wrong-port"]);
    expect(elsewhere(inVlan(2))).toEqual([]);
  });
});

describe("two cables to one other bridge", () => {
  const far: Place = { inode: 500, path: "/run/netns/far", own: false, label: "netns far" };
  const cable = (name: "a" | "b" | "c", ifindex: number): Port =>
    withPeer(name, `02:00:00:00:0d:0${ifindex}`, {
      ...{ namespace: far, name: `d${ifindex}`, ifindex, master: 9 },
      uppers: [upper("bridge", "02:00:00:00:0d:00", { namespace: far, name: "br1" })],
    });
  const state = bridge({ ports: [port("a", A), cable("b", 1), cable("c", 2)] });
  const storm = (at: number, frames = 1000) =>
    flow({ class: "broadcast", destination: EVERYBODY, port: at, frames });
  const told = (one: BridgeState, ...flows: Flow[]) =>
    whyFlooded(one, collected(flows), flows[0] ?? flow(), "port pa");

  it("are a loop where the same frames come in by both, whoever sent them", () => {
    const said = told(state, storm(PA, 1), storm(PB), storm(PC));
    expect(said).toMatchObject({ cause: "loop", basis: "observed" });
    expect(remedyOf(state, said.remedy).remedy?.command).toBe(
      "ip link set dev pc down && ip link set dev pb type bridge_slave fdb_flush && nsenter --net=/run/netns/far -- ip link set dev d1 type bridge_slave fdb_flush",
    );
  });

  it("or came back by one, in the one direction that is left of the storm", () => {
    const said = told(state, storm(PA, 1), storm(PC));
    expect(said).toMatchObject({ cause: "loop", basis: "observed" });
    expect(said.title).toMatch(
      /^pb and pc both lead to br1 of netns far and forward: .* of 02:00:00:00:0b:0a, which is behind port pa, come back by pc$/,
    );
    expect(remedyOf(state, said.remedy).remedy?.command).toMatch(/pc down .* dev d1 /);
  });

  it("are suspected of what somebody beyond has sent, and he is not blamed", () => {
    const far = (at: number, frames?: number) => ({ ...storm(at, frames), source: GONE });
    expect(told(state, far(PB), far(PC))).toMatchObject({ cause: "loop", basis: "observed" });
    for (const flows of [[far(PB)], [far(PB), far(PC, 2)]]) {
      const said = told(state, ...flows);
      expect(said).toMatchObject({ cause: "loop", basis: "inferred" });
      expect(said.alternatives[0]).toContain("a spanning tree of br1 of netns far blocks one");
      expect(remedyOf(state, said.remedy).remedy?.risk).toContain("until it lets that forward");
    }
  });

  it("are none of a host with a port of its own, and not where the spanning tree is on", () => {
    expect(told(state, storm(PA))).toMatchObject({ cause: "broadcast-storm" });
    const far = { ...storm(PB), source: GONE };
    expect(told({ ...state, stp: true }, far)).toMatchObject({ cause: "broadcast-storm" });
  });

  it("are told without a command by the state alone, and not where the spanning tree is on", () => {
    const [note] = ALL_CAUSES.flatMap((one) => one.notes(state));
    expect(note?.text).toContain("unless a spanning tree there blocks one of them");
    expect(note?.remedy).toHaveProperty("none");
    expect(noted({ ...state, stp: true })).toEqual([]);
    const blocked = withPort(state, "pc", { state: "blocking" });
    expect(noted(blocked)).toEqual([]);
    const apart = ["pb", "pc"].reduce(
      (all, name, vid) => withPort(all, name, { vlans: [{ vid, pvid: true, untagged: true }] }),
      { ...state, vlanFiltering: true },
    );
    expect(noted(apart)).toEqual([]);
  });

  it("are cut where nobody has set an entry, or it is said", () => {
    const command = (...entries: BridgeState["entries"]) => {
      const set = { ...state, entries };
      return remedyOf(set, told(set, storm(PB), storm(PC)).remedy).remedy;
    };
    expect(command(entry(GONE, "c", { static: true }))?.command).toMatch(/dev pb down/);
    const both = command(
      entry(GONE, "c", { static: true }),
      entry(GROUP, "c", { static: true }),
      entry(B, "b", { static: true }),
    );
    expect(both?.command).toMatch(/dev pb down/);
    expect(both?.risk).toContain("entries that were set by hand at pb stay and lead nowhere");
  });

  it("and a third are all cut but one", () => {
    const three = bridge({ ports: [cable("a", 3), cable("b", 1), cable("c", 2)] });
    const said = remedyOf(three, told(three, storm(PA), storm(PC)).remedy).remedy;
    expect(said?.command).toMatch(/^ip link set dev pb down && ip link set dev pc down && /);
    expect(said?.undo).toBe("ip link set dev pb up && ip link set dev pc up");
  });
});

test("what comes round by an unseen port is a loop behind it, and its source is not blamed", () => {
  const state = bridge({ ports: [port("a", A), port("b", B, { peer: null })] });
  const storm = { class: "broadcast", destination: EVERYBODY } as const;
  const flows = [flow({ ...storm, frames: 10 }), flow({ ...storm, port: PB })];
  const said = whyFlooded(state, collected(flows), flows[0] ?? flow(), "port pa");
  expect(said).toMatchObject({ cause: "loop", basis: "inferred" });
  expect(said.title).toBe(
    `frames of ${A}, which is behind port pa, come in by port pb: they came round, by a loop behind pb`,
  );
  expect(said.alternatives).toEqual([`somebody behind pb sends with the address ${A}`]);
});

describe("frames that do not get to where they are to go", () => {
  const unknown = { destination: B } as const;
  const { flags } = port("b", B);
  const said = (state: BridgeState) => {
    const one = why(state, unknown);
    return { title: one.title, effect: remedyOf(state, one.remedy).remedy?.effect };
  };

  it("are not said to leave by its port once that has an entry", () => {
    const isolated = { flags: { ...flags, isolated: true } };
    const both = withPort(withPort(bridge(), "pa", isolated), "pb", isolated);
    expect(said(both).title).toMatch(
      /; none of these frames gets there: pa and pb are both isolated$/,
    );
    expect(said(both).effect).toBe(
      `frames for ${B} are dropped and no longer flooded; they still do not get there, since pa and pb are both isolated`,
    );
    expect(said(withPort(bridge(), "pb", isolated)).effect).toBe(
      `frames for ${B} leave by pb alone`,
    );
    expect(said(withPort(bridge(), "pb", { state: "disabled" })).effect).toContain(
      "since the state of pb is disabled",
    );
  });

  it("are behind a port that is down, which is to be up", () => {
    const down = { up: false, carrier: false, state: "disabled" } as const;
    const state = withPort(bridge(), "pb", down);
    const { cause, title, remedy } = why(state, unknown);
    expect(cause).toBe("entry-removed");
    expect(title).toBe(
      `${B} is behind port pb, which is down: its entry went with the link, and its frames go to all other ports`,
    );
    expect(remedyOf(state, remedy).remedy?.command).toBe("ip link set dev pb up");
    const by = { address: B, by: "ip (pid 12)" };
    expect(why(state, unknown, { deleted: [by as never] }).title).toBe(title);
    const peer = { ...peerOf(port("b", B)), up: false };
    const cut = withPort(bridge(), "pb", { carrier: false, state: "disabled", peer });
    expect(said(cut).title).toMatch(/behind port pb, which has no carrier: /);
    expect(said(cut).effect).toBe("pb has a carrier, and forwards");
    // Another host has the address as well.
    const twins = { ports: [withPeer("a", A, {}), { ...port("b", B), ...down }, port("c", B)] };
    expect(said(bridge(twins)).title).not.toContain("is down");
  });

  it("leave by it where flood alone holds them back", () => {
    const { title, effect } = said(withPort(bridge(), "pb", { flags: { ...flags, flood: false } }));
    expect(title).toMatch(/; none of these frames gets there: flood is off at pb$/);
    const proxy = withPort(bridge(), "pb", { flags: { ...flags, proxyArp: true } });
    expect(said(proxy).title).toMatch(/gets there: proxy_arp is on at pb$/);
    expect(effect).toBe(`frames for ${B} leave by pb alone`);
  });
});

it("tells a port with a bridge on its other end from one whose other end is not seen", () => {
  const inner = withPeer("b", B, { master: 9, uppers: [upper("bridge", B)] });
  const ports = [port("a", A), inner, port("c", C, { peer: null, kind: "tun" })];
  expect(why(bridge({ ports }), { destination: GONE }).alternatives).toEqual([
    "it lives behind pc, whose other end cannot be seen, and is silent",
    "it lives behind pb, on whose other end is a bridge, and is silent",
    "no host has it, and the sender was told a wrong address",
  ]);
});

describe("a group that goes to all", () => {
  const group = { class: "multicast", destination: GROUP } as const;
  const of = (ip: string, protocol = "UDP") => ({
    ...group,
    addresses: { source: null, destination: ip, protocol },
  });
  const multicast = { members: [], routers: [], querier: { ip4: null, ip6: null } };
  const member = { group: "239.1.2.3", source: null, vlan: 0, port: PB, permanent: false };
  const silent = bridge({ mcastQuerier: false, multicast });

  it("is told by whether anybody sends queries, and who has joined", () => {
    expect(why(silent, of("239.1.2.3")).title).toBe(
      "nobody on br0 sends IGMP queries: until somebody does, 239.1.2.3 goes to every port",
    );
    const joined = { ...silent, multicast: { ...multicast, members: [member] } };
    expect(why(joined, of("239.1.2.3")).title).toMatch(/, joined behind pb alone$/);
    const snooped = { ...joined, mcastQuerier: true };
    const got = [{ destination: GROUP, vlan: 0, port: PC, copies: 100 }];
    const { title, alternatives } = why(snooped, of("239.1.2.3"), { got });
    expect(title).toBe(
      "239.1.2.3 went to pc though only others have joined it, joined behind pb alone (queries come from br0 itself)",
    );
    expect(alternatives[0]).toContain("mcast_query_response_intvl");
  });

  it("and says where it went in words, the host among them", () => {
    const both = { ...multicast, members: [member, { ...member, port: 7 }] };
    const state = { ...silent, mcastQuerier: true, multicast: both };
    const to = (port: number) => ({ destination: GROUP, vlan: 0, port, copies: 100 });
    expect(why(state, of("239.1.2.3"), { got: [to(PC)] }).title).toContain(
      "239.1.2.3 went to pc though only others have joined it, joined behind pb and by the host alone",
    );
    const one = { ...state, multicast: { ...multicast, members: [member] } };
    expect(why(one, of("239.1.2.3"), { got: [to(7), to(PC)] }).title).toContain(
      "239.1.2.3 went to the host, pc though only others have joined it, joined behind pb alone",
    );
  });

  it("and not to every port where one of them floods no groups", () => {
    const { flags } = port("c", C);
    const held = withPort(silent, "pc", { flags: { ...flags, mcastFlood: false } });
    expect(why(held, of("239.1.2.3")).title).toContain(
      "goes to every port but those where mcast_flood is off",
    );
  });

  it("never by nobody having joined where somebody has", () => {
    for (const mcastQuerier of [true, false]) {
      for (const mcastSnooping of [true, false]) {
        const state = { ...silent, mcastQuerier, mcastSnooping };
        const joined = { ...state, multicast: { ...multicast, members: [member] } };
        expect(why(joined, of("239.1.2.3")).title).not.toContain("nobody is known to have joined");
      }
    }
    const nobody = { ...silent, mcastQuerier: true };
    expect(why(nobody, of("239.1.2.3")).title).toContain("nobody is known to have joined it");
  });

  it("for want of an IPv6 address to ask from", () => {
    const mdns6 = { ...of("ff02::fb"), destination: "33:33:00:00:00:fb" };
    const state = { ...silent, mcastQuerier: true };
    expect(why(state, mdns6).title).toContain(
      "MLD queries (mcast_querier is on, but br0 has no IPv6 address to send them from)",
    );
  });

  it("because the kernel never holds it back, and nothing would help", () => {
    const state = bridge({ addresses: ["fe80::1"] });
    const said = (mac: string, ip: string | null) =>
      why(state, {
        ...group,
        destination: mac,
        addresses: { source: null, destination: ip, protocol: null },
      });
    expect(said("01:00:5e:00:00:fb", "224.0.0.251").title).toContain("of the local network");
    expect(said("33:33:00:00:00:01", "ff02::1").title).toContain("the group of all nodes");
    expect(said("01:1b:19:00:00:00", null).title).toContain("and this is neither");
    expect(said("01:1b:19:00:00:00", null).remedy).toHaveProperty("none");
  });

  it("is not judged where snooping is kept by VLAN", () => {
    const state = bridge({ options: { mcast_vlan_snooping: 1 } });
    expect(why(state, of("239.1.2.3")).title).toContain("which is not judged here");
  });

  it("gets no note on a bridge as it is made", () => {
    expect(noted(silent)).toEqual([]);
    expect(noted(bridge())).toEqual([]);
    expect(noted({ ...silent, mcastSnooping: false })).toEqual(["multicast-unregistered"]);
  });
});

test("a silent host is told of where somebody is about to send to it, and not by what is stale", () => {
  const known = (state: "stale" | "reachable" | "permanent") =>
    noted(bridge({ neighbours: [{ ...neighbour("10.77.0.2", B), state }] }));
  expect(known("permanent")).toEqual(["aged-out"]);
  expect(known("reachable")).toEqual(["aged-out"]);
  expect(known("stale")).toEqual([]);
});

describe("while a topology change is on", () => {
  // The kernel tells 2 × forward_delay as the ageing time then.
  const state = bridge({ stp: true, topologyChange: true, ageingMs: 30_000 });

  it("that is why, and no ageing time is told", () => {
    const said = why(state);
    expect(said).toMatchObject({ cause: "topology-change" });
    expect([said.title, ...said.alternatives].join()).not.toMatch(/30 s/);
    const lost = bridge({ ...state, neighbours: [neighbour("10.77.0.2", B)] });
    for (const note of ALL_CAUSES.flatMap((one) => one.notes(lost))) {
      expect(note.text).not.toMatch(/30 s/);
    }
  });

  it("no ageing time is set, for none could be put back", () => {
    const set = { change: { set: "ageing", ms: 300_000 }, effect: "", risk: "" } as const;
    expect(remedyOf(state, set).noRemedy).toContain("does not tell the ageing time");
  });
});

test("a port that does not learn is no cause where all behind it have an entry that stays", () => {
  const flags = { ...port("b", B).flags, learning: false };
  const state = withPort(bridge(), "pb", { flags });
  expect(noted(state)).toEqual(["learning-off"]);
  expect(noted({ ...state, entries: [entry(B, "b")] })).toEqual(["learning-off"]);
  expect(noted({ ...state, entries: [entry(B, "b", { static: true })] })).toEqual([]);
});

test("a host behind an unseen port that does not learn is known by its own frames", () => {
  const flags = { ...port("b", B).flags, learning: false };
  const state = bridge({ ports: [port("a", A), port("b", B, { peer: null, flags })] });
  const flows = [flow({ destination: GONE }), flow({ source: GONE, port: PB, destination: C })];
  const said = whyFlooded(state, collected(flows), flows[0] ?? flow(), "port pa");
  expect(said).toMatchObject({ cause: "learning-off" });
  expect(why(state, { destination: GONE })).toMatchObject({ cause: "never-learned" });
});

test("a VLAN mismatch is none where the port of the destination is in the VLAN of its frames", () => {
  const vlan = (vid: number) => ({ vid, pvid: false, untagged: false });
  const state = (...vids: number[]) =>
    withPort(
      bridge({ vlanFiltering: true, entries: [entry(B, "b", { vlan: 20 })] }),
      ...(["pb", { vlans: vids.map(vlan) }] as const),
    );
  expect(why(state(20), { vlan: 10 })).toMatchObject({ cause: "vlan-mismatch" });
  expect(why(state(10, 20), { vlan: 10 })).not.toMatchObject({ cause: "vlan-mismatch" });
});

test("an entry of somebody else that was deleted is no cause", () => {
  const deleted = [{ address: C, by: "bridge (pid 4711)" }];
  expect(why(bridge(), {}, { deleted })).toMatchObject({ cause: "aged-out" });
  expect(why(bridge(), { destination: C }, { deleted })).toMatchObject({ cause: "entry-removed" });
});

test("an entry that came while this was looking is told", () => {
  const now = why(bridge({ entries: [entry(B, "b")] }));
  expect(now.title).toMatch(/had no entry for a part of the time$/);
  const then = { homes: [{ address: B, vlan: 0, port: PB, local: false }] };
  expect(why(bridge(), {}, then).title).toMatch(/had no entry for a part of the time$/);
});

describe("what a remedy is verified by", () => {
  const NAMES = ["pb", "p.*", "a|b", "x$(id)", "y'z", "[p]b", "static", "p\\b"];
  /** With a bridge command that says this. */
  const run = (verify: string, said: string) =>
    spawnSync("sh", ["-ec", `bridge() { printf '%s\\n' "$SAID"; }\n${verify}`], {
      env: { ...process.env, SAID: said },
    }).status;

  it.each(NAMES)("takes a port's name as it is: %s", (name) => {
    const state = withPort(bridge(), "pb", { name });
    const [, pb = expect.fail("no port")] = state.ports;
    const change = { set: "entry", port: pb, address: B, vlan: 0, kind: "static" } as const;
    const verify = remedyOf(state, { change, effect: "", risk: "" }).remedy?.verify ?? "false";
    expect(run(verify, `${B} dev ${name} master br0 static`)).toBe(0);
    expect(run(verify, `${B} dev ${name} master br0 static sticky`)).toBe(0);
    expect(run(verify, `${B} dev ${name} master br0 `)).not.toBe(0);
    expect(run(verify, `${B} dev pX master br0 static`)).not.toBe(0);
    expect(run(verify, `${B} dev ${name} vlan 2 master br0 static`)).not.toBe(0);
    execFileSync("sh", ["-nc", verify]);
  });
});
