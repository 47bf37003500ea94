/** Groups that a bridge with snooping and a querier sends past somebody who waits for them. */
import { describe, expect, it, test } from "vitest";
import type { BridgeState, MdbEntry, Port } from "../../../../src/bridge/state.ts";
import type { Loss } from "../../../../src/explain/causes/loss/cause.ts";
import {
  passedBy,
  snoopingNoMember,
} from "../../../../src/explain/causes/loss/snooping-no-member.ts";
import { remedyOf } from "../../../../src/explain/causes/remedy.ts";
import { A, B, bridge, C, collected, entry, flow, neighbour, port } from "../bridge.ts";

const ND = "ff02::1:ff00:2";
const ND_MAC = "33:33:ff:00:00:02";
const PB = 11;
const PC = 12;

function withPeer(name: "a" | "b" | "c", address: string, over: object): Port {
  const one = port(name, address);
  return { ...one, peer: { ...(one.peer ?? expect.fail("no peer")), ...over } };
}

const b = { addresses: ["fe80::2", "fd77::2"], joined: ["224.0.0.1", "ff02::1", ND] };
const member = (port: number, group = ND): MdbEntry => ({
  ...{ group, port, source: null, vlan: 0, permanent: false },
});

/** Snooping, br0 as the querier, and b behind pb, whose group nobody reports. */
function snooping(over: Partial<BridgeState> = {}, members: MdbEntry[] = []): BridgeState {
  return bridge({
    ...{ addresses: ["fe80::b"], options: { mcast_membership_intvl: 26_000 } },
    ports: [port("a", A), withPeer("b", B, b), port("c", C)],
    multicast: { members, routers: [], querier: undefined },
    ...over,
  });
}

function loss(over: Partial<Loss> = {}): Loss {
  return {
    ...{ class: "multicast", port: 10, source: A, destination: ND_MAC, vlan: 0, frames: 20 },
    ...{ came: 20, at: 10, behind: false, longest: 86, firstNs: 0 },
    ...{ where: "br_multicast_flood", reason: "NO_TX_TARGET", sourcePort: null },
    destinationPort: null,
    steps: [{ endMs: 1000, frames: 20, copies: 0 }],
    addresses: { source: "fd77::1", destination: ND, protocol: "ICMPv6" },
    ...over,
  };
}

function why(state: BridgeState, one = loss(), before = state) {
  return snoopingNoMember(one, { before, state, collected: collected([]) });
}

const named = (state: BridgeState, one = loss()) => {
  const said = why(state, one);
  if (said === null || said === "right") return expect.fail(`it is ${said}`);
  return said;
};

describe("neighbour solicitations that no member gets", () => {
  it("are lost to the host that they are for, which is named", () => {
    const said = named(snooping());
    expect(said).toMatchObject({ kind: "loss", cause: "snooping-no-member", basis: "observed" });
    expect(said.title).toBe(
      "fd77::2 is behind port pb, and its solicited-node group ff02::1:ff00:2 has no member at pb: with snooping and a querier br0 sends it to its members alone, so fd77::2 hears no neighbour solicitation",
    );
    expect(said.evidence).toEqual([
      "bridge mdb show dev br0: no entry of ff02::1:ff00:2",
      "MLD queries come from br0 itself",
      "eth0 in netns b has joined ff02::1:ff00:2 (/proc/net/igmp6 there), and br0 has no report of it from pb: not for 260 s (mcast_membership_intvl), whatever was sent",
    ]);
  });

  it("are cured by an entry of that group at that port", () => {
    const { remedy, noRemedy } = remedyOf(snooping(), named(snooping()).remedy);
    expect(noRemedy).toBeNull();
    expect(remedy).toMatchObject({
      command: "bridge mdb add dev br0 port pb grp ff02::1:ff00:2 permanent",
      undo: "bridge mdb del dev br0 port pb grp ff02::1:ff00:2",
      effect: "br0 sends ff02::1:ff00:2 to pb as well, and to no other port",
    });
  });

  it.each([
    ["in a frame that no drop was seen of", { where: null, reason: null }],
    ["before kernels give reasons", { reason: null }],
    ["freed by the caller of a function that ends with it", { where: "br_handle_frame_finish" }],
    ["of the host itself", { port: 7, at: 7, where: "br_dev_xmit" }],
  ])("%s", (_, over: Partial<Loss>) => {
    expect(named(snooping(), loss(over)).cause).toBe("snooping-no-member");
  });

  it("also where the kernel does not tell who sends queries", () => {
    const said = named(snooping({ mcastQuerier: false }));
    expect(said.basis).toBe("inferred");
    expect(said.evidence[1]).toMatch(/^this kernel does not tell who sends MLD queries/);
  });

  it("also to a host whose groups cannot be read", () => {
    const ports = [port("a", A), withPeer("b", B, { ...b, joined: [] })];
    expect(named(snooping({ ports })).evidence[2]).toBe(
      "eth0 in netns b has fd77::2, which is asked for by ff02::1:ff00:2",
    );
  });

  it("also to one that others know behind a port whose other end is not seen", () => {
    const state = snooping({
      ports: [port("a", A), port("b", B, { kind: "tun", peer: null })],
      neighbours: [neighbour("fd77::2", B)],
      entries: [entry(B, "b")],
    });
    const said = named(state);
    expect(said).toMatchObject({ basis: "inferred", alternatives: [expect.any(String)] });
    expect(said.evidence[2]).toBe(`netns a knows fd77::2 at ${B}, and the FDB has that at pb`);
    expect(why({ ...state, entries: [] })).toBe("right");
    expect(why({ ...state, neighbours: [neighbour("fd77::3", B)] })).toBe("right");
  });
});

test("a group that was joined at two ports has an entry proposed for both, and for very many none", () => {
  const GROUP = "239.1.2.3";
  const joined = { joined: [GROUP] };
  const state = snooping({
    ports: [port("a", A), withPeer("b", B, joined), withPeer("c", C, joined)],
  });
  const addresses = { source: "10.77.0.1", destination: GROUP, protocol: "UDP" };
  const said = named(state, loss({ destination: "01:00:5e:01:02:03", addresses }));
  expect(said.title).toBe(
    "239.1.2.3 was joined behind port pb, port pc, and has no member at any of these: with snooping and a querier br0 sends it to its members alone",
  );
  expect(remedyOf(state, said.remedy).remedy).toMatchObject({
    command:
      "bridge mdb add dev br0 port pb grp 239.1.2.3 permanent && bridge mdb add dev br0 port pc grp 239.1.2.3 permanent",
  });
  const ports = [10, 20, 30, 40, 50, 60].map((ifindex) => ({
    ...withPeer("b", B, joined),
    ifindex,
  }));
  const many = named({ ...state, ports }, loss({ destination: "01:00:5e:01:02:03", addresses }));
  expect(many.remedy).toEqual({ none: expect.stringMatching(/^5 ports are without a member/) });
});

describe("a working bridge sends nowhere", () => {
  const asked = (ip: string, mac: string, protocol = "UDP") =>
    loss({ destination: mac, addresses: { source: "fd77::1", destination: ip, protocol } });

  it("what nobody has joined", () => {
    expect(why(snooping(), asked("ff02::fb", "33:33:00:00:00:fb"))).toBe("right");
    expect(why(snooping(), asked("239.1.2.3", "01:00:5e:01:02:03"))).toBe("right");
    // Another group that has the same MAC address.
    expect(why(snooping(), asked("ff05::1:ff00:2", ND_MAC))).toBe("right");
  });

  it("what only its sender has joined", () => {
    expect(why(snooping(), loss({ port: PB, at: PB, source: B }))).toBe("right");
  });

  it("reports, which are for routers", () => {
    expect(why(snooping(), asked(ND, ND_MAC, "IP protocol 0"))).toBe("right");
    expect(why(snooping(), asked("239.1.2.3", "01:00:5e:01:02:03", "IGMP"))).toBe("right");
  });

  it("what was not reported yet by somebody who has just joined", () => {
    const newborn = snooping();
    const before = snooping({ ports: [port("a", A)] });
    expect(why(newborn, loss(), before)).toBe("right");
    expect(why(snooping({}, [member(PB)]), loss(), before)).toBe("right");
    const late = [
      { endMs: 1000, frames: 1, copies: 0 },
      { endMs: 3000, frames: 1, copies: 0 },
    ];
    expect(why(newborn, loss({ steps: late }), before)).toMatchObject({ kind: "loss" });
  });
});

describe("another cause is asked", () => {
  it("where the group is not held back", () => {
    expect(why(snooping({ mcastSnooping: false }))).toBeNull();
    expect(why(snooping({ addresses: [] }))).not.toBe("right");
    const nobody = { members: [], routers: [], querier: { ip4: null, ip6: null } };
    expect(why(snooping({ mcastQuerier: false, multicast: nobody }))).toBeNull();
    const all = { source: null, destination: "ff02::1", protocol: "UDP" };
    expect(why(snooping(), loss({ destination: "33:33:00:00:00:01", addresses: all }))).toBeNull();
    const mdns = { source: null, destination: "224.0.0.251", protocol: "UDP" };
    expect(why(snooping(), loss({ destination: "01:00:5e:00:00:fb", addresses: mdns }))).toBeNull();
  });

  it.each([
    ["of what left", { behind: true, where: "enqueue_to_backlog", at: PB }],
    ["for another reason", { reason: "BRIDGE_INGRESS_STP_STATE" }],
    ["at another place", { where: "nf_hook_slow" }],
    ["that is no group's", { class: "broadcast" }],
  ])("%s", (_, over) => {
    expect(why(snooping(), loss(over as Partial<Loss>))).toBeNull();
  });

  it("where it has its member", () => {
    expect(why(snooping({}, [member(PB)]))).toBeNull();
    const router = {
      members: [],
      routers: [{ port: PB, ip4: true, ip6: true }],
      querier: undefined,
    };
    expect(why(snooping({ multicast: router }))).toBeNull();
  });

  it.each([
    ["is down", { up: false }],
    ["has no carrier", { carrier: false }],
    ["is not forwarding", { state: "learning" }],
  ])("where its port %s", (_, over) => {
    const ports = [port("a", A), { ...withPeer("b", B, b), ...(over as Partial<Port>) }];
    expect(why(snooping({ ports }))).toBeNull();
  });

  it("where the two are isolated", () => {
    const flags = { ...port("a", A).flags, isolated: true };
    const ports = [port("a", A, { flags }), { ...withPeer("b", B, b), flags }];
    expect(why(snooping({ ports }))).toBeNull();
  });
});

describe("frames that reached others", () => {
  const GROUP = "239.1.2.3";
  const destination = "01:00:5e:01:02:03";
  const addresses = { source: "10.77.0.1", destination: GROUP, protocol: "UDP" };
  const sent = flow({ class: "multicast", destination, addresses, copies: 1000 });
  const ports = [
    port("a", A),
    withPeer("b", B, { joined: [GROUP] }),
    withPeer("c", C, { joined: [GROUP] }),
  ];
  const state = snooping({ ports }, [member(PC, GROUP)]);
  const to = (...ports: number[]) =>
    ports.map((port) => ({ destination, vlan: 0, port, copies: 9 }));
  const lost = (one: BridgeState, got = to(PC), before = one) =>
    passedBy({ before, state: one, collected: collected([sent], { got }) });

  it("are lost to the one who has joined and is no member", () => {
    const [one, ...more] = lost(state);
    expect(more).toEqual([]);
    expect(one).toMatchObject({
      source: A,
      destination,
      at: PB,
      frames: 1000,
      longest: 60,
    });
    const said = named(state, { ...(one ?? expect.fail()), came: 1000 });
    expect(said.title).toContain("239.1.2.3 was joined behind port pb, and has no member at pb");
    expect(said.evidence[0]).toBe("bridge mdb show dev br0: 239.1.2.3 at pc alone");
  });

  it("are not where all are members, or got them, or were members before", () => {
    const both = snooping({ ports }, [member(PB, GROUP), member(PC, GROUP)]);
    expect(lost(both)).toEqual([]);
    expect(lost(state, to(PB, PC))).toEqual([]);
    expect(lost(state, to(PC), both)).toEqual([]);
    expect(lost({ ...state, mcastSnooping: false })).toEqual([]);
  });
});
