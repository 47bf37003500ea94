/** Why frames were lost, by the state of the bridge: each cause beside what looks like it and is none. */
import { describe, expect, it } from "vitest";
import type { BridgeState, Port } from "../../../src/bridge/state.ts";
import type { Loss, LossCause, LossWhy } from "../../../src/explain/causes/loss/cause.ts";
import { isolated } from "../../../src/explain/causes/loss/isolated.ts";
import { linkLocal } from "../../../src/explain/causes/loss/link-local.ts";
import { lockedPort } from "../../../src/explain/causes/loss/locked-port.ts";
import { mtu } from "../../../src/explain/causes/loss/mtu.ts";
import { noHairpin } from "../../../src/explain/causes/loss/no-hairpin.ts";
import { ownAddress } from "../../../src/explain/causes/loss/own-address.ts";
import { portDown } from "../../../src/explain/causes/loss/port-down.ts";
import { stpState } from "../../../src/explain/causes/loss/stp-state.ts";
import { vlanFiltered } from "../../../src/explain/causes/loss/vlan-filtered.ts";
import { wrongPort } from "../../../src/explain/causes/loss/wrong-port.ts";
import { mtu as mtuOfEnds } from "../../../src/explain/causes/mtu.ts";
import { remedyOf } from "../../../src/explain/causes/remedy.ts";
import type { Collected } from "../../../src/live/collect.ts";
import {
  A,
  B,
  bridge,
  C,
  collected,
  EVERYBODY,
  entry,
  GONE,
  GROUP,
  port,
  withPort,
} from "./bridge.ts";

const [PA, PB, PC] = [10, 11, 12];
const LLDP = "01:80:c2:00:00:0e";

/** A hundred frames of a for b that br_forward() freed. */
function loss(over: Partial<Loss> = {}): Loss {
  return {
    ...{ class: "unicast", port: PA, source: A, destination: B, vlan: 0, frames: 100, came: 100 },
    ...{ at: PA, behind: false, where: "br_forward", reason: "NOT_SPECIFIED", longest: 98 },
    ...{ steps: [], firstNs: 0, sourcePort: null, destinationPort: null },
    addresses: { source: null, destination: null, protocol: null },
    ...over,
  };
}

interface Readings {
  before?: BridgeState;
  counted?: Partial<Collected>;
}

function ask(
  cause: LossCause,
  state: BridgeState,
  over: Partial<Loss> = {},
  { before = state, counted = {} }: Readings = {},
): LossWhy | "right" | null {
  return cause(loss(over), { before, state, collected: collected([], counted) });
}

function why(...asked: Parameters<typeof ask>): LossWhy {
  const said = ask(...asked);
  if (said === null || said === "right") throw new Error(`the cause said ${said}`);
  return said;
}

function command(state: BridgeState, { remedy }: LossWhy): string | undefined {
  return remedyOf(state, remedy).remedy?.command;
}

function flags(name: "a" | "b" | "c", over: Partial<Port["flags"]>): Partial<Port> {
  return { flags: { ...port(name, A).flags, ...over } };
}

function peer(name: "a" | "b" | "c", address: string, over: object): Partial<Port> {
  const one = port(name, address).peer;
  return { peer: one === null ? null : { ...one, ...over } };
}

const known = bridge({ entries: [entry(A, "a"), entry(B, "b"), entry(C, "c")] });
const DROPPED = { where: "br_handle_frame", reason: "BRIDGE_INGRESS_STP_STATE" };
/** As a kernel before 6.14 tells it, and one before 5.17. */
const OLDER = [
  { where: "br_handle_frame", reason: "NOT_SPECIFIED" },
  { where: "br_handle_frame", reason: null },
];

describe("stp-state", () => {
  const listening = withPort({ ...known, stp: true }, "pa", { state: "listening" });

  it.each([DROPPED, ...OLDER])("tells of a port that listens: %o", (drop) => {
    const said = why(stpState, listening, drop);
    expect(said).toMatchObject({ kind: "loss", cause: "stp-state" });
    expect(said.title).toMatch(/^port pa is listening: .* until 30 s after it came up/);
    expect(command(listening, said)).toBe(
      "ip link set dev br0 type bridge stp_state 0 && bridge link set dev pa state 3",
    );
  });

  it("tells of the port that frames should leave by, where that learns", () => {
    const learning = withPort({ ...known, stp: true }, "pb", { state: "learning" });
    expect(why(stpState, learning).title).toMatch(`${B} is behind port pb, which is learning`);
    const flooded = { where: "br_flood", reason: "NO_TX_TARGET", destination: GONE };
    const others = withPort(learning, "pc", { state: "listening" });
    expect(why(stpState, others, flooded).title).toContain("no other port forwards");
    expect(ask(stpState, learning, flooded)).toBeNull();
  });

  it("tells of one that forwards by now", () => {
    const now = { ...known, stp: true };
    const said = why(stpState, now, DROPPED, { before: listening });
    expect(said.evidence).toContain("pa forwards by now");
    expect(command(now, said)).toBe("ip link set dev br0 type bridge stp_state 0");
  });

  it("leaves the spanning tree on where a loop may be, and waits less", () => {
    const open = { peer: null };
    const two = withPort(withPort(listening, "pb", open), "pc", open);
    const said = why(stpState, two, DROPPED);
    expect(command(two, said)).toBe(
      "ip link set dev br0 type bridge forward_delay 200 && ip link set dev pa down && ip link set dev pa up",
    );
    const least = { ...two, forwardDelayS: 2 };
    expect(remedyOf(least, why(stpState, least, DROPPED).remedy).noRemedy).toContain("the least");
    const one = withPort(listening, "pc", open);
    expect(command(one, why(stpState, one, DROPPED))).toContain("stp_state 0");
  });

  it("proposes nothing where another bridge or a daemon decides", () => {
    const root = { ...listening, options: { root_id: "1000.2:0:0:0:0:1", bridge_id: "8000.2" } };
    const daemon = { ...listening, options: { stp_state: 2 } };
    for (const state of [root, daemon]) {
      expect(remedyOf(state, why(stpState, state, DROPPED).remedy).remedy).toBeNull();
    }
  });

  it("takes what a spanning tree blocks for right, and what somebody has set for policy", () => {
    const blocked = withPort({ ...known, stp: true }, "pa", { state: "blocking" });
    expect(ask(stpState, blocked, DROPPED)).toBe("right");
    const byHand = withPort(known, "pa", { state: "disabled" });
    const said = why(stpState, byHand, DROPPED);
    expect(said).toMatchObject({ kind: "policy" });
    expect(command(byHand, said)).toBe("bridge link set dev pa state 3");
  });

  it("is not a port without a carrier, one that came up meanwhile, or a bridge that is down", () => {
    const off = withPort(known, "pa", { state: "disabled", carrier: false });
    expect(ask(stpState, off, DROPPED)).toBe("right");
    expect(ask(stpState, known, DROPPED)).toBe("right");
    expect(ask(stpState, known, { where: "br_handle_frame" })).toBeNull();
    const down = withPort({ ...known, up: false }, "pa", { state: "disabled" });
    expect(ask(stpState, down, DROPPED)).toBeNull();
  });

  it("is not what ends at the bridge whatever its state, nor what another place dropped", () => {
    expect(ask(stpState, listening, { ...OLDER[0], destination: LLDP })).toBeNull();
    expect(
      ask(stpState, listening, { where: "nft_do_chain", reason: "NETFILTER_DROP" }),
    ).toBeNull();
  });

  it("is right of a port that closes a loop", () => {
    const beyond = { inode: 900, path: "/run/netns/s2", own: false, label: "netns s2" };
    const br1 = { namespace: beyond, name: "br1", ifindex: 5, kind: "bridge", address: "" };
    const uppers = [{ ...br1, mtu: 1500, addresses: [], joined: [] }];
    const cable = (name: "b" | "c", ifindex: number) =>
      peer(name, B, { namespace: beyond, ifindex, master: 5, uppers });
    const ring = withPort(withPort({ ...known, stp: true }, "pb", cable("b", 11)), "pc", {
      ...cable("c", 12),
      state: "listening",
    });
    expect(ask(stpState, ring, { ...DROPPED, port: PC, at: PC })).toBe("right");
  });
});

describe("link-local", () => {
  const taken = { class: "multicast", where: "__netif_receive_skb_core" } as const;
  const of = (last: string, over: Partial<Loss> = {}) =>
    ({
      ...taken,
      reason: "UNHANDLED_PROTO",
      destination: `01:80:c2:00:00:0${last}`,
      ...over,
    }) as const;

  it("names the protocol and the bit", () => {
    const said = why(linkLocal, known, of("e"));
    expect(said).toMatchObject({ kind: "policy", cause: "link-local" });
    expect(said.title).toContain("LLDP");
    expect(said.evidence[0]).toContain("group_fwd_mask of br0 is 0x0, without bit 14 (0x4000)");
    expect(command(known, said)).toBe("ip link set dev br0 type bridge group_fwd_mask 16384");
    expect(why(linkLocal, known, of("3")).title).toContain("EAPOL");
  });

  it("keeps the bits that are set", () => {
    const some = { ...known, options: { group_fwd_mask: 8 } };
    const { remedy } = remedyOf(some, why(linkLocal, some, of("e")).remedy);
    expect(remedy?.command).toContain("group_fwd_mask 16392");
    expect(remedy?.undo).toContain("group_fwd_mask 8");
    expect(remedy?.verify).toContain("group_fwd_mask 0x4008(");
  });

  it("proposes no bit that the kernel refuses", () => {
    const said = why(linkLocal, known, of("2"));
    expect(said.title).toContain("LACP");
    expect(remedyOf(known, said.remedy)).toMatchObject({
      remedy: null,
      noRemedy: expect.stringContaining("dev pa type bridge_slave group_fwd_mask 4"),
    });
  });

  it("takes pause frames, and STP that the bridge takes part in, for right", () => {
    expect(ask(linkLocal, known, of("1"))).toBe("right");
    expect(ask(linkLocal, { ...known, stp: true }, of("0"))).toBe("right");
  });

  it("is not what the bridge forwards, what the host sends, or any other group", () => {
    expect(ask(linkLocal, known, of("0"))).toBeNull();
    const all = { ...known, options: { group_fwd_mask: 0xfff8 } };
    expect(ask(linkLocal, all, of("e"))).toBeNull();
    expect(ask(linkLocal, withPort(known, "pa", { groupFwdMask: 4 }), of("2"))).toBeNull();
    const provider = { ...known, options: { vlan_protocol: "802.1ad" } };
    expect(ask(linkLocal, provider, of("d"))).toBeNull();
    expect(ask(linkLocal, known, of("e", { port: 7, at: 7 }))).toBeNull();
    expect(ask(linkLocal, known, { ...taken, destination: GROUP })).toBeNull();
  });
});

describe("locked-port", () => {
  const locked = withPort(bridge({ entries: [entry(B, "b")] }), "pa", flags("a", { locked: true }));
  const at = { where: "br_handle_frame_finish" };

  it("tells whose frames it drops, and how to admit them", () => {
    const said = why(lockedPort, locked, at);
    expect(said).toMatchObject({ kind: "policy", cause: "locked-port" });
    expect(said.evidence).toEqual([`${A} has no entry`]);
    expect(command(locked, said)).toBe(`bridge fdb replace ${A} dev pa master static`);
  });

  it("does not take over an entry from another port", () => {
    const elsewhere = { ...locked, entries: [entry(A, "c")] };
    const said = why(lockedPort, elsewhere, at);
    expect(said.evidence[0]).toContain("is at pc");
    expect(said.remedy).toBeNull();
  });

  it("is not what it admits, nor what another place drops", () => {
    const admitted = { ...locked, entries: [entry(A, "a", { static: true })] };
    expect(ask(lockedPort, admitted, at)).toBeNull();
    expect(ask(lockedPort, locked, { where: "br_forward" })).toBeNull();
    expect(ask(lockedPort, locked, { ...at, reason: "NETFILTER_DROP" })).toBeNull();
    expect(ask(lockedPort, known, at)).toBeNull();
  });
});

describe("own-address", () => {
  const own = { source: known.address, destination: A };

  it("tells of frames of the bridge's own that come back", () => {
    const said = why(ownAddress, known, own);
    expect(said.title).toMatch(/^frames of br0 itself \(.*\) come back by port pa/);
    expect(why(ownAddress, known, { ...own, source: "fe:00:00:00:00:0c" }).title).toMatch(
      /^frames of its port pc /,
    );
  });

  it("tells of a host with the same address", () => {
    const ports = known.ports.map((one) => ({ ...one, address: one.peer?.address ?? "" }));
    const twins = { ...known, ports, entries: [] };
    expect(why(ownAddress, twins, {}).title).toContain(
      `${A} is the address of its port pa and of the host behind port pa`,
    );
  });

  it("is not what the host sends, nor a host's own", () => {
    expect(ask(ownAddress, known, { ...own, port: 7, at: 7 })).toBeNull();
    expect(ask(ownAddress, known)).toBeNull();
  });
});

describe("mtu", () => {
  const small = withPort(known, "pb", { mtu: 1400 });
  const long = { at: PB, where: "br_dev_queue_push_xmit", longest: 1492 };

  it("tells of a port with a smaller one than its other end, of both and of the sender's", () => {
    const said = why(mtu, { ...small, mtu: 1400 }, long);
    expect(said).toMatchObject({ kind: "loss", cause: "mtu" });
    expect(said.title).toMatch(/^port pb has an MTU of 1400, and its other end one of 1500/);
    expect(said.evidence[0]).toMatch(/1478 bytes.*pb has an MTU of 1400.*eth0.* has 1500$/);
    expect(command(small, said)).toBe("ip link set dev pb mtu 1500");
  });

  it("has the sender send less where the other end takes no more, or is not seen", () => {
    const both = withPort(known, "pb", { mtu: 1400, ...peer("b", B, { mtu: 1400 }) });
    const lower = "nsenter --net=/run/netns/a -- ip link set dev eth0 mtu 1400";
    expect(command(both, why(mtu, both, long))).toBe(lower);
    const open = withPort(known, "pb", { mtu: 1400, kind: "vxlan", peer: null });
    expect(command(open, why(mtu, open, long))).toBe(lower);
    const least = withPort(known, "pb", { mtu: 1000, peer: null });
    expect(remedyOf(least, why(mtu, least, long).remedy).noRemedy).toContain("IPv6");
    const unseen = withPort(open, "pa", { peer: null });
    expect(remedyOf(unseen, why(mtu, unseen, long).remedy).noRemedy).toContain("is not seen");
  });

  it("tells of the other end where that takes less than the port", () => {
    const end = withPort(known, "pb", peer("b", B, { mtu: 1400 }));
    const behind = { ...long, behind: true, where: "__dev_forward_skb2" };
    const said = why(mtu, end, behind);
    expect(said.title).toMatch(/^eth0, the other end of port pb, has an MTU of 1400/);
    expect(command(end, said)).toBe("nsenter --net=/run/netns/b -- ip link set dev eth0 mtu 1500");
    expect(ask(mtu, known, behind)).toBeNull();
  });

  it("knows what each place lets pass", () => {
    expect(ask(mtu, small, { ...long, longest: 1418 })).toBeNull();
    expect(ask(mtu, small, { ...long, longest: 1419 })).not.toBeNull();
    const nf = { ...long, where: "br_nf_dev_queue_xmit" };
    expect(ask(mtu, small, { ...nf, longest: 1414 })).toBeNull();
    expect(ask(mtu, small, { ...nf, longest: 1415 })).not.toBeNull();
    expect(ask(mtu, small, { ...long, where: "br_forward" })).toBeNull();
    expect(ask(mtu, small, { ...long, reason: "NETFILTER_DROP" })).toBeNull();
  });
});

describe("port-down", () => {
  const down = withPort(
    bridge({ entries: [entry(B, "b", { static: true })] }),
    ...(["pb", { up: false, carrier: false, state: "disabled" }] as const),
  );

  it("tells of an entry that stays, and takes the port up", () => {
    const said = why(portDown, down);
    expect(said).toMatchObject({ kind: "loss", cause: "port-down" });
    expect(said.title).toBe(`the entry of ${B} points to port pb, which is down`);
    expect(command(down, said)).toBe("ip link set dev pb up");
  });

  it("takes the other end up where that is down, and knows no way without one", () => {
    const off = { carrier: false, state: "disabled" } as const;
    const end = withPort(known, "pb", { ...off, ...peer("b", B, { up: false }) });
    const said = why(portDown, end);
    expect(said.title).toContain("has no carrier");
    expect(command(end, said)).toBe("nsenter --net=/run/netns/b -- ip link set dev eth0 up");
    const tap = withPort(known, "pb", { ...off, peer: null });
    expect(remedyOf(tap, why(portDown, tap).remedy).noRemedy).toContain("a carrier");
  });

  it("tells of frames that left by it", () => {
    const behind = { at: PB, behind: true, where: "__dev_forward_skb2" };
    expect(why(portDown, down, behind).title).toMatch(/^frames left by port pb, which is down/);
    const said = why(portDown, known, behind, { before: down });
    expect(said.evidence).toContain("pb is up by now");
    expect(ask(portDown, known, behind)).toBeNull();
    expect(ask(portDown, down, { ...behind, where: "tcp_v4_rcv" })).toBeNull();
  });

  it("tells of a bridge that is down", () => {
    const off = { ...known, up: false };
    const said = why(portDown, off, DROPPED);
    expect(said.title).toMatch(/^br0 itself is down/);
    expect(command(off, said)).toBe("ip link set dev br0 up");
  });

  it("tells of an unseen port that may lead there, and of none where nobody can be behind", () => {
    const unknown = { destination: GONE, where: "br_flood", reason: "NO_TX_TARGET" };
    const off = { carrier: false, state: "disabled" } as const;
    const uplink = withPort(withPort(bridge(), "pb", off), "pc", { ...off, peer: null });
    expect(why(portDown, uplink, unknown).title).toContain("it may be behind port pc");
    expect(ask(portDown, withPort(uplink, "pc", port("c", C)), unknown)).toBeNull();
    const seen = withPort(withPort(bridge(), "pb", off), "pc", off);
    expect(ask(portDown, seen, unknown)).toBe("right");
    const asked = { class: "broadcast", destination: EVERYBODY, where: null } as const;
    expect(ask(portDown, uplink, asked)).toBe("right");
  });

  it("is not an entry that is left behind", () => {
    expect(ask(portDown, withPort(down, "pc", peer("c", B, {})), {})).not.toBeNull();
    const moved = withPort(withPort(down, "pc", peer("c", B, {})), "pb", { peer: null });
    expect(ask(portDown, moved)).toBeNull();
    expect(ask(wrongPort, moved)).toMatchObject({ cause: "wrong-port" });
  });
});

describe("isolated", () => {
  const both = withPort(
    withPort(known, "pa", flags("a", { isolated: true })),
    ...(["pb", flags("b", { isolated: true })] as const),
  );

  it("tells of the two ports", () => {
    const said = why(isolated, both);
    expect(said).toMatchObject({ kind: "policy", cause: "isolated" });
    expect(said.title).toBe("port pa and port pb are both isolated");
    expect(command(both, said)).toBe("bridge link set dev pb isolated off");
  });

  it("tells of one that every other port is closed to", () => {
    const all = withPort(both, "pc", flags("c", { isolated: true }));
    const flooded = { class: "broadcast", destination: EVERYBODY, where: null } as const;
    expect(why(isolated, all, flooded).title).toMatch(/^port pa is isolated, and so is every/);
    expect(ask(isolated, both, flooded)).toBeNull();
    const off = withPort(both, "pc", { up: false, state: "disabled" });
    expect(ask(isolated, off, flooded)).not.toBeNull();
  });

  it("is not one of them alone, nor what left, nor what else was dropped", () => {
    expect(ask(isolated, both, { destination: C })).toBeNull();
    expect(ask(isolated, withPort(both, "pa", port("a", A)))).toBeNull();
    expect(ask(isolated, both, { at: PB, where: "br_dev_queue_push_xmit" })).toBeNull();
    expect(ask(isolated, both, { reason: "NETFILTER_DROP" })).toBeNull();
  });
});

describe("no-hairpin", () => {
  const child = { namespace: known.place, name: "m1", ifindex: 5, kind: "macvlan", mtu: 1500 };
  const uppers = [{ ...child, address: GONE, addresses: [], joined: [] }];
  const state = withPort(
    bridge({ entries: [entry(A, "a"), entry(GONE, "a")] }),
    ...(["pa", peer("a", A, { uppers })] as const),
  );

  it("tells of two who are behind one port", () => {
    const said = why(noHairpin, state, { destination: GONE });
    expect(said).toMatchObject({ kind: "loss", cause: "no-hairpin" });
    expect(said.title).toContain(`eth0 and macvlan m1 (${A}, ${GONE}) are both behind port pa`);
    expect(command(state, said)).toBe("bridge link set dev pa hairpin on");
  });

  it("tells of a pod that reaches itself by its service", () => {
    const addresses = { source: "10.77.0.9", destination: "10.77.0.1", protocol: "TCP" };
    const routed = { destination: known.address, addresses };
    expect(why(noHairpin, known, routed).title).toMatch(/^port pa sends to itself by another/);
    const another = { ...routed, addresses: { ...addresses, destination: "10.77.0.2" } };
    expect(ask(noHairpin, known, another)).toBeNull();
    expect(ask(noHairpin, known, { ...routed, where: "ip_rcv_core" })).toBeNull();
  });

  it("is not what an uplink hears, nor what another switch has delivered", () => {
    const uplink = withPort(state, "pa", { peer: null });
    expect(ask(noHairpin, uplink, { destination: GONE })).toBeNull();
    const inner = [...uppers, { ...uppers[0], kind: "bridge", address: C }];
    const switched = withPort(state, "pa", peer("a", A, { master: 9, uppers: inner }));
    expect(ask(noHairpin, switched, { destination: GONE })).toBeNull();
    expect(ask(noHairpin, state, { source: C, destination: GONE })).toBeNull();
  });

  it("is not an entry that is at the wrong port", () => {
    const moved = bridge({ entries: [entry(B, "a")] });
    expect(ask(noHairpin, moved)).toBeNull();
    expect(why(wrongPort, moved).title).toContain("the host with that address is behind port pb");
  });
});

describe("vlan-filtered", () => {
  const in10 = { vlans: [{ vid: 10, pvid: true, untagged: true }], pvid: 10 };
  const in20 = { vlans: [{ vid: 20, pvid: true, untagged: true }], pvid: 20 };
  const state = ["pa", "pb", "pc"].reduce(
    (all, name) => withPort(all, name, name === "pa" ? in10 : in20),
    bridge({ vlanFiltering: true }),
  );
  const refused = { where: "br_allowed_ingress", vlan: 30 };

  it("tells of a VLAN that the port is not in", () => {
    const said = why(vlanFiltered, state, refused);
    expect(said).toMatchObject({ kind: "policy", cause: "vlan-filtered" });
    expect(said.title).toMatch(/^port pa is not in VLAN 30/);
    expect(said.evidence).toEqual(["bridge vlan show dev pa: 10 PVID"]);
    expect(remedyOf(state, said.remedy).noRemedy).toContain("keeps them apart");
    const none = withPort(state, "pa", { pvid: null, vlans: [] });
    expect(why(vlanFiltered, none, { ...refused, vlan: 0 }).title).toContain("has no PVID");
  });

  it("tells of a destination, or all other ports, in none of it", () => {
    expect(why(vlanFiltered, state, { vlan: 10 }).title).toBe(
      `${B} is behind port pb, which is not in VLAN 10`,
    );
    const flooded = { destination: GONE, where: "br_flood", vlan: 10 };
    expect(why(vlanFiltered, state, flooded).title).toContain("no other port that forwards");
    const some = withPort(state, "pc", in10);
    expect(ask(vlanFiltered, some, flooded)).toBeNull();
  });

  it("is not where VLANs are not filtered, or the frame is in one of the port's", () => {
    expect(ask(vlanFiltered, known, refused)).toBeNull();
    expect(ask(vlanFiltered, state, { ...refused, vlan: 10, destination: A })).toBeNull();
    expect(ask(vlanFiltered, state, { ...refused, reason: "NETFILTER_DROP" })).toBeNull();
  });
});

describe("wrong-port", () => {
  const state = bridge({ entries: [entry(B, "c", { static: true })] });
  const astray = { at: PC, behind: true, where: null, reason: null };

  it("tells of frames that all go where the host is not", () => {
    const said = why(wrongPort, state, astray);
    expect(said).toMatchObject({ kind: "loss", cause: "wrong-port", basis: "observed" });
    expect(said.evidence).toEqual([`bridge fdb show br br0: ${B} dev pc static`]);
    expect(command(state, said)).toBe(`bridge fdb replace ${B} dev pb master static`);
  });

  it("is not where two have the address, nor what its own port dropped", () => {
    expect(ask(wrongPort, withPort(state, "pc", peer("c", B, {})), astray)).toBeNull();
    expect(ask(wrongPort, known, astray)).toBeNull();
    expect(ask(wrongPort, state, { ...astray, at: PB })).toBeNull();
    expect(ask(wrongPort, state, { where: "nft_do_chain", reason: "NETFILTER_DROP" })).toBeNull();
  });
});

describe("a port and its other end", () => {
  const notes = (ofPort: number, ofPeer: number) => {
    const { peer } = port("b", B);
    const other = { mtu: ofPort, peer: peer && { ...peer, mtu: ofPeer } };
    return mtuOfEnds.notes(withPort(bridge(), "pb", other));
  };

  it("of different MTUs are told before any frame is", () => {
    expect(notes(1500, 1500)).toEqual([]);
    const [large] = notes(1400, 1500);
    expect(large?.text).toContain("pb has an MTU of 1400, and its other end one of 1500");
    expect(large?.remedy).toMatchObject({ change: { set: "mtu", bytes: 1500 } });
    // The port's own end is right: what the other takes is not the bridge's to say.
    expect(notes(9000, 1500)).toMatchObject([{ cause: "mtu", remedy: null }]);
  });
});
