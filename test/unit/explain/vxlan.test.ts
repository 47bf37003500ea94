/** VXLAN ports: what their own FDB has for an address beside what the bridge and its neighbours say. */
import { describe, expect, it } from "vitest";
import type { BridgeState, Neighbour, Remote } from "../../../src/bridge/state.ts";
import { ALL_CAUSES } from "../../../src/explain/causes/index.ts";
import type { Loss, LossContext } from "../../../src/explain/causes/loss/cause.ts";
import { vxlanNoRemote } from "../../../src/explain/causes/loss/vxlan-no-remote.ts";
import {
  unanswered,
  vxlanWrongRemote,
  whoseNobody,
} from "../../../src/explain/causes/loss/vxlan-wrong-remote.ts";
import { remedyOf } from "../../../src/explain/causes/remedy.ts";
import { judged, THRESHOLDS } from "../../../src/explain/judge/findings.ts";
import type { Collected } from "../../../src/live/collect.ts";
import {
  A,
  bridge,
  collected,
  EVERYBODY,
  entry,
  flow,
  GONE,
  GROUP,
  lost,
  neighbour,
  overlay,
  remote,
  vxlan,
  withPort,
} from "./bridge.ts";

/** Of a host at another machine, and its address. */
const FAR = "02:42:0a:00:00:0b";
const IP = "198.19.0.11";
const DEFAULT = "00:00:00:00:00:00";
const OTHER = remote("02:42:0a:00:00:0c", "192.0.2.3");
const HALF = overlay([OTHER], { entries: [entry(FAR, "c", { static: true })] });

/** Docker's agent says so at the VXLAN device itself. */
function said(state: BridgeState): Neighbour {
  return { ...neighbour(IP, FAR), namespace: state.place, device: "pc", ifindex: 12 };
}

interface Seen {
  state?: BridgeState;
  before?: BridgeState;
  counted?: Partial<Collected>;
}

function asked(over: Partial<Loss>, { state = HALF, before = state, counted = {} }: Seen = {}) {
  const loss: Loss = {
    ...lost({ destination: FAR, at: 12, where: "vxlan_xmit", reason: "NO_TX_TARGET" }),
    ...{ came: 100, ...over },
  };
  const context: LossContext = { before, state, collected: collected([], counted) };
  return vxlanNoRemote(loss, context) ?? vxlanWrongRemote(loss, context);
}

function why(over: Partial<Loss>, seen: Seen = {}) {
  const told = asked(over, seen);
  if (told === null || told === "right") return null;
  const text = [told.title, ...told.evidence].join("; ");
  return { ...told, ...remedyOf(seen.state ?? HALF, told.remedy), text };
}

function notes(state: BridgeState) {
  return ALL_CAUSES.flatMap((cause) => cause.notes(state))
    .filter(({ cause }) => cause.startsWith("vxlan"))
    .map((note) => ({ ...note, ...remedyOf(state, note.remedy) }));
}

describe("half an entry: the bridge sends by the VXLAN port, which has no remote for the address", () => {
  it("is named with what says so, the VNI, what was dropped, and how to find the remote", () => {
    const state = { ...HALF, neighbours: [said(HALF)] };
    const [pc] = HALF.ports.slice(2);
    const counters = { ...pc?.counters, txDropped: 100 } as never;
    const told = why({}, { state: withPort(state, "pc", { counters }), before: state });
    expect(told).toMatchObject({ kind: "loss", cause: "vxlan-no-remote", basis: "observed" });
    expect(told?.title).toBe(
      `the bridge sends frames for ${IP} at ${FAR} by pc, whose own FDB (VNI 7) has no remote for it: they end there`,
    );
    // It is told once.
    expect(notes(state).map(({ text }) => text)).toEqual([told?.title]);
    expect(told?.evidence).toEqual([
      `the bridge has a static entry for it at pc, and ${IP} is a permanent neighbour there with that address`,
      `\`bridge fdb show dev pc\` has no \`dst\` for it, and none for ${DEFAULT}`,
      "pc counted 100 dropped frames from the first reading to the last",
    ]);
    expect(told?.remedy).toBeNull();
    expect(told?.noRemedy).toContain("pc knows 192.0.2.3");
    expect(told?.noRemedy).toContain(
      `bridge fdb replace ${FAR} dev pc dst ITS-ADDRESS self permanent`,
    );
  });

  it.each([
    ["VXLAN_NO_REMOTE", "vxlan_xmit"],
    ["NO_TX_TARGET", "vxlan_xmit.cold"],
    ["NOT_SPECIFIED", "vxlan_xmit"],
    [null, "vxlan_xmit"],
  ])("by whatever the kernel calls it: %s at %s", (reason, where) => {
    expect(why({ reason, where })?.cause).toBe("vxlan-no-remote");
  });

  it("where only the neighbour says so, or a learned entry does", () => {
    const state = overlay([], {}, { proxy: true });
    const neighbours = { ...state, neighbours: [said(state)] };
    expect(why({}, { state: neighbours })?.evidence[0]).toBe(
      `${IP} is a permanent neighbour there with that address`,
    );
    const learned = overlay([], { entries: [entry(FAR, "c")] }, { proxy: true });
    expect(why({}, { state: learned })?.evidence[0]).toContain("a learned entry");
  });

  it("puts back what went while it was looked at, and nothing that is guessed", () => {
    const gone = remote(FAR, "192.0.2.2", { port: 8472, vni: 9 });
    const before = overlay([OTHER, gone], { entries: HALF.entries });
    const told = why({}, { before });
    expect(told?.evidence).toContain("its entry at 192.0.2.2 went while this was looking");
    expect(told?.remedy).toMatchObject({
      command: `bridge fdb replace ${FAR} dev pc dst 192.0.2.2 port 8472 vni 9 self permanent`,
      undo: `bridge fdb del ${FAR} dev pc dst 192.0.2.2 port 8472 vni 9 self`,
      verify: `bridge fdb show dev pc | grep -qE '^${FAR} dst 192\\.0\\.2\\.2 (.* )?self permanent'`,
    });
    const nexthop = overlay([remote(FAR, null)], { entries: HALF.entries });
    expect(why({}, { before: nexthop })?.remedy).toBeNull();
    expect(why({}, { state: before, before: HALF })).toMatchObject({
      ...{ remedy: null, noRemedy: "pc has a remote for it by now" },
    });
  });

  it("is nobody's who is dropped elsewhere, or for another reason", () => {
    const known = overlay([remote(FAR, "192.0.2.2")], { entries: HALF.entries });
    expect(asked({ where: "veth_xmit", reason: null })).toBeNull();
    expect(asked({ at: 11 })).toBeNull();
    expect(asked({ reason: "PKT_TOO_BIG" })).toBeNull();
    // Of a kernel without reasons: there was a remote at both times.
    expect(asked({ reason: null }, { state: known })).toBeNull();
  });

  it("is not said of a copy of a flood for somebody who is elsewhere", () => {
    expect(asked({ destination: A }, { state: overlay([]) })).toBe("right");
    const moved = { homes: [{ address: FAR, vlan: 0, port: 11, local: false }] };
    expect(asked({}, { state: overlay([]), counted: moved })).toBe("right");
  });
});

describe("no default remote", () => {
  const broadcast = { class: "broadcast", destination: EVERYBODY } as const;
  const learning = overlay([OTHER]);

  it("is named of a device that floods, once for all that it cannot send", () => {
    const told = why(broadcast, { state: learning });
    expect(told).toMatchObject({ cause: "vxlan-no-remote", alternatives: [], remedy: null });
    expect(told?.title).toContain("pc (VNI 7) has no default remote: broadcast, ARP with it");
    expect(told?.text).toContain("entries of single hosts at 192.0.2.3");
    expect(why({ class: "multicast", destination: GROUP }, { state: learning })?.title).toBe(
      told?.title,
    );
    expect(why({ destination: GONE }, { state: learning })?.title).toBe(told?.title);
    expect(why(broadcast, { state: overlay([]) })?.alternatives).toEqual([
      "no other host is in its network yet",
    ]);
  });

  it("puts all of them back that went while it was looked at", () => {
    const two = [remote(DEFAULT, "192.0.2.2"), remote(DEFAULT, "2001:db8::2")];
    const told = why(broadcast, { state: learning, before: overlay([OTHER, ...two]) });
    expect(told?.remedy?.command).toBe(
      `bridge fdb append ${DEFAULT} dev pc dst 192.0.2.2 self permanent && bridge fdb append ${DEFAULT} dev pc dst 2001:db8::2 self permanent`,
    );
  });

  it("is as it should be where neighbours are answered for, or nobody is there yet", () => {
    const proxy = overlay([OTHER], {}, { proxy: true });
    expect(asked(broadcast, { state: proxy })).toBe("right");
    expect(asked({ class: "multicast", destination: GROUP }, { state: proxy })).toBe("right");
    expect(asked(broadcast, { state: overlay([], {}, { learning: false }) })).toBe("right");
  });

  it("is nothing of a device whose frames say whose they are; what has no tunnel information is", () => {
    const external = overlay([], { entries: HALF.entries }, { external: true, vni: 0 });
    expect(asked({}, { state: external })).toBeNull();
    expect(notes(external)).toEqual([]);
    expect(why({ reason: "TUNNEL_TXINFO" }, { state: external })?.title).toContain(
      "pc is external",
    );
  });
});

describe("a wrong remote", () => {
  const back = {
    source: FAR,
    destination: A,
    port: 12,
    where: "vxlan_rcv",
    behind: false,
  } as const;
  const fixed = overlay([remote(FAR, "192.0.2.9")], { entries: HALF.entries });

  it("is seen where its frames come from another, and forgotten if the device learns", () => {
    const told = why({ ...back, reason: "VXLAN_ENTRY_EXISTS" }, { state: fixed });
    expect(told).toMatchObject({ cause: "vxlan-wrong-remote", basis: "observed", kind: "loss" });
    expect(told?.title).toBe(
      `pc (VNI 7) has ${FAR} at the remote 192.0.2.9 for good, and its frames come from another one`,
    );
    expect(told?.alternatives).toEqual(["another host uses the same address"]);
    expect(told?.remedy).toMatchObject({
      command: `bridge fdb del ${FAR} dev pc dst 192.0.2.9 self`,
      undo: `bridge fdb replace ${FAR} dev pc dst 192.0.2.9 self permanent`,
      verify: expect.stringContaining("! printf"),
    });
  });

  it("is inferred where the kernel gives no reason, and only of an entry that stays", () => {
    const old = (state: BridgeState) => why({ ...back, reason: null }, { state })?.basis;
    expect(old(fixed)).toBe("inferred");
    expect(old(overlay([remote(FAR, "192.0.2.9", { permanent: false })]))).toBeUndefined();
    expect(old(overlay([remote(FAR, "192.0.2.9")], {}, { learning: false }))).toBeUndefined();
    expect(old(overlay([]))).toBeUndefined();
  });

  it("sends what no host sends", () => {
    const invalid = why({ ...back, source: GROUP, reason: "MAC_INVALID_SOURCE" }, { state: fixed });
    expect(invalid?.title).toContain(`sends frames from ${GROUP}, which no single host can have`);
    const own = why({ ...back, reason: "LOCAL_MAC" }, { state: fixed });
    expect(own?.title).toContain("which is the address of pc itself");
    expect(own?.remedy).toBeNull();
  });

  it("has no route, or is this host itself", () => {
    const route = why({ where: "vxlan_xmit_one", reason: "IP_OUTNOROUTES" }, { state: fixed });
    expect(route?.title).toContain("at the remote 192.0.2.9, and there is no route to that");
    const own = overlay([remote(FAR, "192.0.2.1", { own: true })], { entries: HALF.entries });
    const none = { where: "encap_bypass_if_local", reason: "VXLAN_VNI_NOT_FOUND" };
    expect(why(none, { state: own })?.title).toContain("no VXLAN device here has VNI 7");
    // What is in question is no host to ask.
    expect(why(none, { state: own })?.noRemedy).toContain("(pc knows no other host)");
    const came = { port: 12, at: 12, where: "br_forward", reason: null };
    expect(why(came, { state: own })?.title).toContain("its frames come back and are dropped");
    expect(asked(came, { state: fixed })).toBeNull();
  });
});

describe("a remote that nobody is on the wire", () => {
  const known = { port: 10, source: A, destination: FAR, vlan: 0, frames: 50, copies: 50 };
  const flows = { known: [{ ...known, hostCopies: 0 }] };
  const at = (answers: boolean | null, address = FAR) =>
    overlay([remote(address, "192.0.2.9", { answers })], { entries: HALF.entries });
  const sent = (state: BridgeState, before = state, more: Partial<Collected> = {}) =>
    whoseNobody({ before, state, collected: collected([], { ...flows, ...more }) })(known);

  it("is where a flow is lost, if one reading says so, and none the other way", () => {
    expect(sent(at(false))).toBe(12);
    expect(sent(at(null), at(false))).toBe(12);
    expect(sent(at(false, DEFAULT))).toBe(12);
    expect(sent(at(null))).toBeNull();
    expect(sent(at(false), at(true))).toBeNull();
    expect(sent(at(true), at(false))).toBeNull();
  });

  it("is none if something of the destination came in, or there are several", () => {
    const answer = { ...known, source: FAR, destination: A, port: 12, hostCopies: 0 };
    expect(sent(at(false), at(false), { known: [...flows.known, answer] })).toBeNull();
    const both = at(false);
    const more = withPort(both, "pc", {
      vxlan: vxlan([remote(FAR, "192.0.2.9", { answers: false }), remote(FAR, "192.0.2.8")]),
    });
    expect(sent(more)).toBeNull();
    expect(sent(bridge({ entries: [entry(FAR, "b")] }))).toBeNull();
  });

  it("is told with what cannot be known here", () => {
    const told = why({ where: null, reason: null }, { state: at(false), counted: flows });
    expect(told).toMatchObject({ cause: "vxlan-wrong-remote", basis: "inferred", remedy: null });
    expect(told?.title).toBe(
      `pc (VNI 7) has ${FAR} at the remote 192.0.2.9, and nobody has that address on the wire`,
    );
    expect(asked({ where: null, reason: null }, { state: at(true), counted: flows })).toBeNull();
  });

  it("is not told apart from one way traffic where it is there, which is a note", () => {
    const noted = (state: BridgeState, more: Partial<Collected> = {}, least = 20) =>
      unanswered(
        { before: state, state, collected: collected([], { ...flows, ...more }) },
        least,
      ).map(({ text }) => text);
    expect(noted(at(null))).toEqual([
      `50 frames for ${FAR} left by pc (VNI 7) for the remote 192.0.2.9, and none of it came back: right where traffic goes one way, else that host does not have it, or the answers are lost on their way`,
    ]);
    expect(noted(at(true)).length).toBe(1);
    expect(noted(at(true), {}, 51)).toEqual([]);
    // That is a loss.
    expect(noted(at(false))).toEqual([]);
    const back = { ...known, source: FAR, destination: A, port: 12, hostCopies: 0 };
    expect(noted(at(true), { known: [...flows.known, back] })).toEqual([]);
    expect(noted(at(true), { lost: [lost({ source: FAR, destination: A })] })).toEqual([]);
    expect(noted(at(true), { lost: [lost({ destination: FAR, at: 12 })] })).toEqual([]);
    // What is learned came from there, and a default remote is everybody's.
    const learned = [remote(FAR, "192.0.2.9", { permanent: false })];
    expect(noted(overlay(learned, { entries: HALF.entries }))).toEqual([]);
    expect(noted(at(true, DEFAULT))).toEqual([]);
    expect(noted(overlay([remote(FAR, "192.0.2.9")], { entries: [entry(FAR, "b")] }))).toEqual([]);
  });

  it("makes the bridge flood what is for one of its hosts", () => {
    const stale = (remotes: Remote[], over: Partial<BridgeState> = {}) =>
      judged(overlay(remotes, over), collected([flow({ destination: FAR })]), THRESHOLDS)
        .findings[0];
    const gone = [remote(FAR, "192.0.2.9", { answers: false })];
    const told = stale(gone);
    expect(told).toMatchObject({ cause: "vxlan-stale-remote", basis: "inferred", remedy: null });
    expect(told?.title).toContain(
      `pc (VNI 7) has ${FAR} at the remote 192.0.2.9, which nobody has`,
    );
    expect(stale([remote(FAR, "192.0.2.9")])?.cause).toBe("never-learned");
    const learned = collected([flow({ destination: FAR })], {
      known: [{ ...known, source: FAR, destination: A, port: 12, hostCopies: 0 }],
    });
    expect(judged(overlay(gone), learned, THRESHOLDS).findings[0]?.cause).toBe("never-learned");
    const heard = collected([
      flow({ destination: FAR }),
      flow({ source: FAR, destination: GONE, port: 12, frames: 1 }),
    ]);
    expect(judged(overlay(gone), heard, THRESHOLDS).findings[0]?.cause).not.toBe(
      "vxlan-stale-remote",
    );
  });

  it("makes addresses move where it is the host itself", () => {
    const moves = [
      { address: A, vlan: 0, port: 10, moves: 50 },
      { address: A, vlan: 0, port: 12, moves: 50 },
    ];
    const moving = (remotes: Remote[]) =>
      judged(overlay(remotes), collected([], { moves }), THRESHOLDS).findings[0];
    const own = moving([remote(DEFAULT, "192.0.2.1", { own: true })]);
    expect(own?.title).toContain(
      "pc (VNI 7) has a default remote that is this host itself (192.0.2.1), and what it sends there comes back",
    );
    expect(own?.remedy?.command).toBe(`bridge fdb del ${DEFAULT} dev pc dst 192.0.2.1 self`);
    expect(moving([remote(FAR, "192.0.2.1", { own: true })])?.remedy).toBeNull();
    expect(moving([remote(DEFAULT, "192.0.2.2")])?.title).not.toContain("comes back");
  });

  it("gets a copy of every flooded frame, which can be stopped and taken back", () => {
    const two = [remote(DEFAULT, "192.0.2.8"), remote(DEFAULT, "192.0.2.9", { answers: false })];
    const [note, ...more] = notes(overlay(two));
    expect(more).toEqual([]);
    expect(note?.text).toContain(
      "to the remote 192.0.2.9 (one of 2 default remotes), which nobody",
    );
    expect(note?.remedy).toMatchObject({
      command: `bridge fdb del ${DEFAULT} dev pc dst 192.0.2.9 self`,
      undo: `bridge fdb append ${DEFAULT} dev pc dst 192.0.2.9 self permanent`,
    });
    expect(notes(overlay([remote(DEFAULT, "192.0.2.8", { answers: true })]))).toEqual([]);
    const [own] = notes(overlay([remote(DEFAULT, "192.0.2.1", { own: true })]));
    expect(own?.text).toContain("which is this host itself");
  });
});

describe("what is so without a frame", () => {
  it("names each half entry of what somebody has set, and none with a default remote", () => {
    expect(notes(HALF).map(({ text }) => text)).toEqual([
      `the bridge sends frames for ${FAR} by pc, whose own FDB (VNI 7) has no remote for it: they end there`,
    ]);
    expect(notes(overlay([remote(DEFAULT, "192.0.2.2")], { entries: HALF.entries }))).toEqual([]);
    expect(notes(overlay([remote(FAR, "192.0.2.2")], { entries: HALF.entries }))).toEqual([]);
    expect(notes(overlay([], { entries: [entry(FAR, "c")] }))).toEqual([]);
  });

  it("names what the host routes from the bridge by a VXLAN device beside it, as flannel's", () => {
    const device = { name: "flannel.1", ifindex: 30, up: true };
    const state = (remotes: Remote[], addresses = ["10.244.0.1"]) => {
      const of = bridge({ addresses });
      const counters = { ...of.counters, txDropped: 9 };
      const vxlans = [{ ...device, counters, vxlan: vxlan(remotes, { learning: false }) }];
      const said = { ...neighbour("10.244.1.0", FAR), namespace: of.place, ifindex: 30 };
      return { ...of, vxlans, neighbours: [said] };
    };
    const [note, ...more] = notes(state([OTHER]));
    expect(more).toEqual([]);
    expect(note?.text).toBe(
      `the host routes to 10.244.1.0 at ${FAR} by flannel.1, which is no port of br0, whose own FDB (VNI 7) has no remote for it: they end there (it has dropped 9 frames since it was made)`,
    );
    expect(note?.noRemedy).toContain("dev flannel.1 dst ITS-ADDRESS self permanent");
    expect(notes(state([remote(FAR, "192.0.2.2")]))).toEqual([]);
    expect(notes(state([OTHER], []))).toEqual([]);
  });

  it("counts what one copy becomes on the underlay", () => {
    const two = [remote(DEFAULT, "192.0.2.8"), remote(DEFAULT, "192.0.2.9", { answers: false })];
    const storm = { class: "broadcast", destination: EVERYBODY, copies: 2000 } as const;
    const got = [{ destination: EVERYBODY, vlan: 0, port: 12, copies: 1000 }];
    const told = (remotes: Remote[]) =>
      judged(overlay(remotes), collected([flow(storm)], { got }), THRESHOLDS).findings[0]?.evidence;
    expect(told(two)).toContain(
      "each copy by pc leaves the host 2 times, once for each default remote (head-end replication): 2000 packets of VNI 7, 1 of these has nobody there",
    );
    expect(told(two.slice(0, 1))?.join()).not.toContain("head-end");
  });
});
