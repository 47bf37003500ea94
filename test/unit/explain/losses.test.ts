/** What is a loss, what is a policy, what is above a threshold, and what a working bridge drops. */
import { describe, expect, it, test } from "vitest";
import type { BridgeState } from "../../../src/bridge/state.ts";
import type { Thresholds } from "../../../src/document/explain.ts";
import { deliveryOf } from "../../../src/explain/judge/delivery.ts";
import { judged, THRESHOLDS } from "../../../src/explain/judge/findings.ts";
import { lostFlows } from "../../../src/explain/judge/lost-flows.ts";
import type { Collected, Flow, KnownFlow, Lost } from "../../../src/live/collect.ts";
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
  port,
  withPort,
} from "./bridge.ts";

const [PA, PB, PC, BRIDGE] = [10, 11, 12, 7];
/** B is known at pb, and a filter drops there what a sends. */
const KNOWN_B = bridge({ entries: [entry(B, "b")] });

/** Frames of a for b, that a filter drops at pb. */
function lost(frames: number, over: Partial<Lost> = {}): Lost {
  return {
    ...{ class: "unicast", port: PA, source: A, destination: B, vlan: 0, frames, at: PB },
    ...{ behind: false, where: "sch_handle_egress", reason: "TC_EGRESS", longest: 98 },
    ...{ steps: [{ endMs: 1000, frames, copies: 0 }], firstNs: 5_000_000_000 },
    addresses: { source: "10.77.0.1", destination: "10.77.0.2", protocol: "UDP" },
    ...{ sourcePort: 5000, destinationPort: 514 },
    ...over,
  };
}

/** Those of a for b, of which so many copies left. */
function known(frames: number, copies: number, over: Partial<KnownFlow> = {}): KnownFlow {
  return {
    ...{ port: PA, source: A, destination: B, vlan: 0, frames, copies, hostCopies: 0 },
    ...over,
  };
}

function judge(
  over: Partial<Collected>,
  { state = KNOWN_B, flows = [] as Flow[], thresholds = {} as Partial<Thresholds> } = {},
) {
  return judged(state, collected(flows, over), { ...THRESHOLDS, ...thresholds });
}

const NOTHING = { findings: [], below: [], belowMore: 0 };
const TITLE = "sch_handle_egress dropped them: the reason is TC_EGRESS";

it("is one finding with all that is known of it", () => {
  const pc = withPort(KNOWN_B, "pb", {
    owner: {
      ...{ label: "container web", namespace: null, pid: null, command: null },
      ...{ cgroup: null, container: "web", pod: null },
    },
  });
  const { findings, below } = judge({ lost: [lost(68)], known: [known(68, 0)] }, { state: pc });
  expect(below).toEqual([]);
  expect(findings).toMatchObject([
    {
      ...{ kind: "loss", cause: "other", title: TITLE, severity: "high", basis: "observed" },
      ...{ source: A, destination: B, protocol: "UDP", sourcePort: 5000, destinationPort: 514 },
      addresses: { source: "10.77.0.1", destination: "10.77.0.2" },
      ingressPort: { name: "pa" },
      ...{ frames: 68, lost: 68, copies: 0, bytes: 0, framesPerSecond: 68, copiesPerSecond: 0 },
      ...{ where: "sch_handle_egress", reason: "TC_EGRESS", remedy: null, captures: [] },
      victims: [{ port: { name: "pb", owner: "container web" }, copies: 68 }],
    },
  ]);
  expect(findings[0]?.evidence).toEqual([
    `68 of 68 frames of ${A} for ${B}, in by pa, were dropped by sch_handle_egress (TC_EGRESS) at pb`,
    expect.stringMatching(/^counted by /),
  ]);
  // Five seconds after it began, whenever it is judged.
  expect(findings[0]?.since).toBe("2026-09-21T14:13:25.000Z");
});

it("says where the kernel gives no reason", () => {
  const { findings } = judge({ lost: [lost(68, { reason: null })], known: [known(68, 0)] });
  expect(findings[0]?.title).toBe("sch_handle_egress dropped them: this kernel gives no reason");
  expect(findings[0]?.evidence[0]).toContain("were dropped by sch_handle_egress at pb");
});

describe("the thresholds:", () => {
  /** Of so many frames, so many are lost in so many seconds. */
  const of = (came: number, gone: number, over: Partial<Collected> = {}, thresholds = {}) => {
    const all = { known: [known(came, came - gone)], lost: [lost(gone)], ...over };
    const { findings, below } = judge(all, { thresholds });
    expect(findings.length + below.length).toBe(1);
    return findings.length === 1;
  };

  it("five frames at one a second over all of the time", () => {
    expect([of(1000, 9), of(1000, 10)]).toEqual([false, true]);
    const short = { seconds: 2, counted: 2 };
    expect([of(1000, 4, short), of(1000, 5, short)]).toEqual([false, true]);
    const long = { seconds: 100, counted: 100 };
    expect([of(1000, 99, long), of(1000, 100, long)]).toEqual([false, true]);
  });

  it("or three that are all of a flow", () => {
    expect([of(2, 2), of(3, 3), of(4, 3)]).toEqual([false, true, false]);
  });

  it("can be set", () => {
    expect([of(1000, 10, {}, { lost: 11 }), of(1000, 10, {}, { lostPerSecond: 1.1 })]).toEqual([
      false,
      false,
    ]);
    expect([of(1, 1, {}, { lost: 1 }), of(9, 1, {}, { lost: 1, lostPerSecond: 0 })]).toEqual([
      true,
      true,
    ]);
  });

  it("estimates count as far as they are sure", () => {
    // One frame that stands for fifty, and a hundred that stand for five thousand.
    expect([of(50, 50, { counted: 0.2 }), of(5000, 5000, { counted: 0.2 })]).toEqual([false, true]);
    expect(of(5000, 12, { counted: 5 })).toBe(false);
  });

  it("what stays below is told there", () => {
    const { below } = judge({ lost: [lost(2)], known: [known(100, 98)] });
    expect(below).toEqual([
      {
        ...{ kind: "loss", class: null, vlan: 0, source: A, destination: B },
        ingressPort: { name: "pa", ifindex: PA, owner: null },
        ...{ frames: 2, copies: 0, framesPerSecond: 2, copiesPerSecond: 0 },
      },
    ]);
  });
});

test.each([
  [1000, 1000, "high"],
  [1000, 999, "medium"],
  [10_000, 100, "medium"],
  [10_000, 99, "low"],
])("of %i frames %i are of severity %s", (came, gone, severity) => {
  const { findings } = judge({ known: [known(came, came - gone)], lost: [lost(gone)] });
  expect(findings).toMatchObject([{ severity, frames: came, lost: gone }]);
});

it("a flow that nobody counted was dropped before it could be", () => {
  expect(judge({ lost: [lost(3, { at: PA })] }).findings).toMatchObject([
    { severity: "high", frames: 3, lost: 3 },
  ]);
});

it("what was dropped before it was counted has come all the same", () => {
  const both = { lost: [lost(10, { at: PA })], known: [known(5, 5)] };
  expect(judge(both).findings).toMatchObject([{ severity: "medium", frames: 15, lost: 10 }]);
  // Where it was counted too, it has come once.
  const whole = { lost: [lost(10, { at: PA })], known: [known(15, 5)] };
  expect(judge(whole).findings).toMatchObject([{ severity: "medium", frames: 15, lost: 10 }]);
});

it("flows of one cause are one finding, the largest first", () => {
  const to = Array.from({ length: 44 }, (_, last) => `02:00:00:00:77:${last + 10}`);
  const state = bridge({ entries: to.map((address) => entry(address, "b")) });
  const all = to.map((destination, index) => lost(index + 10, { destination }));
  const came = to.map((destination, index) => known(index + 20, 10, { destination }));
  const { findings } = judge({ lost: all, known: came }, { state });
  expect(findings).toMatchObject([
    {
      ...{ source: A, destination: null, severity: "medium", ingressPort: { name: "pa" } },
      lost: all.reduce((sum, { frames }) => sum + frames, 0),
      frames: came.reduce((sum, { frames }) => sum + frames, 0),
      victims: [{ port: { name: "pb" }, copies: 44 * 10 + (43 * 44) / 2 }],
    },
  ]);
  const [first, second, third, more, ...rest] = findings[0]?.evidence ?? [];
  expect(first).toContain(`53 of 63 frames of ${A} for 02:00:00:00:77:53`);
  expect([second, third].map((line) => line?.slice(0, 8))).toEqual(["52 of 62", "51 of 61"]);
  expect([more, rest.length]).toEqual(["and 41 more flows", 1]);
});

it("each place and reason is one of its own", () => {
  const two = [lost(68), lost(20, { where: "tun_net_xmit", reason: "FULL_RING", behind: true })];
  const { findings } = judge({ lost: two, known: [known(100, 32)] });
  expect(findings.map(({ where, lost: many }) => [where, many])).toEqual([
    ["sch_handle_egress", 68],
    ["tun_net_xmit", 20],
  ]);
});

describe("copies of which others left", () => {
  const ask = flow({ class: "broadcast", destination: EVERYBODY, frames: 12, copies: 24 });
  const behind = (frames: number, over: Partial<Lost> = {}) =>
    lost(frames, {
      ...{ class: "broadcast", destination: EVERYBODY, behind: true, where: "veth_xmit" },
      ...over,
    });

  it("are counted as such: of all copies, and high where one port got none", () => {
    const { findings } = judge({ lost: [behind(12)] }, { flows: [ask] });
    const [loss] = findings;
    expect(loss).toMatchObject({
      kind: "loss",
      frames: 12,
      copies: 24,
      lost: 12,
      severity: "high",
    });
    expect(loss?.evidence[0]).toContain(`12 of 24 copies of frames of ${A} for ${EVERYBODY}`);
    expect(loss?.evidence[0]).toContain("were dropped by veth_xmit (TC_EGRESS) behind pb");
    expect(loss?.victims).toMatchObject([{ port: { name: "pb" }, copies: 12 }]);
    const some = judge({ lost: [behind(11)] }, { flows: [ask] }).findings;
    expect(some).toMatchObject([{ severity: "medium", lost: 11, copies: 24 }]);
  });

  it("that a filter drops before they leave were to leave too", () => {
    const { findings } = judge(
      { lost: [lost(12, { class: "broadcast", destination: EVERYBODY })] },
      { flows: [{ ...ask, copies: 12 }] },
    );
    expect(findings).toMatchObject([{ frames: 12, copies: 24, lost: 12 }]);
  });

  it("are frames where none of them left, however many ports they were dropped at", () => {
    const at = (one: number) => lost(12, { class: "broadcast", destination: EVERYBODY, at: one });
    const { findings } = judge({ lost: [at(PB), at(PC)] }, { flows: [{ ...ask, copies: 0 }] });
    expect(findings).toMatchObject([{ frames: 12, copies: 0, lost: 12, severity: "high" }]);
    expect(findings[0]?.evidence[0]).toMatch(/^12 of 12 frames .* at 2 ports$/);
  });

  it("of a flood, for a port that should not have them, are none", () => {
    const stray = lost(500, { behind: true, at: PC });
    const seen = judge({ lost: [stray], got: [] }, { flows: [flow()] });
    expect(seen.findings.map(({ kind }) => kind)).toEqual(["flood"]);
    const own = judge({ lost: [{ ...stray, at: PB }] }, { flows: [flow()] });
    expect(own.findings).toMatchObject([
      { kind: "flood" },
      { kind: "loss", frames: 1000, copies: 0, lost: 500 },
    ]);
    // Of an address that nobody has none was for the port that lost it.
    const nobody = judge(
      { lost: [{ ...stray, destination: GONE }] },
      { flows: [flow({ destination: GONE })] },
    );
    expect(nobody.findings.map(({ kind }) => kind)).toEqual(["flood"]);
    // A filter drops some copies before they leave: the frames have left by another port.
    const filtered = lost(1000, { destination: GONE, at: PB });
    const left = [flow({ destination: GONE, copies: 1000 })];
    expect(judge({ lost: [filtered] }, { flows: left }).findings).toMatchObject([
      { kind: "flood" },
    ]);
    const none = [flow({ destination: GONE, copies: 0, steps: [] })];
    expect(judge({ lost: [filtered] }, { flows: none }).findings).toMatchObject([
      { kind: "loss", frames: 1000, lost: 1000 },
    ]);
  });

  it("of a group are none where nobody at that port has joined it", () => {
    const { peer } = port("b", B);
    const joined = (groups: string[]) =>
      withPort(bridge({ mcastSnooping: false }), "pb", {
        peer: { ...peer, joined: groups } as never,
      });
    const addresses = { source: "10.77.0.1", destination: "239.1.2.3", protocol: "UDP" };
    const group = { class: "multicast", destination: GROUP, addresses } as const;
    const one = (state: BridgeState) =>
      judge({ lost: [behind(12, group)] }, { state, flows: [flow({ ...ask, ...group })] }).findings
        .length;
    expect([one(joined([])), one(joined(["239.1.2.3"]))]).toEqual([0, 1]);
  });
});

describe("what a working bridge drops is told nowhere:", () => {
  const none = { at: PA, where: "br_forward", reason: "NO_TX_TARGET" };
  const here = (over: Partial<Lost>) => lost(100, { ...none, ...over });
  const alone = bridge({ ports: [port("a", A)] });
  const suppressing = { flags: { ...port("a", A).flags, neighSuppress: true } };
  const answering = bridge({
    ports: [port("a", A), port("b", B, suppressing), port("c", C, suppressing)],
  });
  const arp = {
    class: "broadcast",
    destination: EVERYBODY,
    addresses: { source: "10.77.0.1", destination: "10.77.0.9", protocol: "ARP" },
  } as const;
  const report = (destination: string, protocol: string) => ({
    ...{ class: "multicast" as const, destination: GROUP },
    addresses: { source: null, destination, protocol },
  });
  const dark = { up: true, carrier: false };
  it.each<[string, BridgeState, Partial<Lost>]>([
    ["for a host on the same side", bridge({ entries: [entry(GONE, "a")] }), { destination: GONE }],
    ["of a host to itself", bridge({ entries: [entry(A, "a")] }), { destination: A }],
    ["for the host itself", bridge(), { destination: "fe:00:00:00:00:00" }],
    ["for a port's own address", bridge(), { destination: "fe:00:00:00:00:0b" }],
    [
      "for an address that the bridge had",
      bridge({ formerAddresses: [GONE] }),
      { destination: GONE },
    ],
    ["where there is no other port", alone, { destination: GONE }],
    [
      "where nobody is at any other port",
      withPort(withPort(bridge(), "pb", dark), "pc", { up: false }),
      arp,
    ],
    ["what the bridge answers itself", answering, arp],
    ["IPv6 neighbours that it answers for", answering, report("ff02::1:ff00:9", "ICMPv6")],
    ["reports of IGMP", bridge(), report("224.0.0.22", "IGMP")],
    ["reports of MLD", bridge(), report("ff02::16", "IP protocol 0")],
  ])("%s", (_, state, over) => {
    expect(judge({ lost: [here(over)], known: [] }, { state })).toEqual(NOTHING);
  });

  it("but not the like of them", () => {
    const found = (state: BridgeState, over: Partial<Lost>) =>
      judge({ lost: [here(over)] }, { state }).findings.length;
    expect(found(bridge({ entries: [entry(B, "b")] }), {})).toBe(1);
    expect(
      found(withPort(alone, "pa", { flags: { ...port("a", A).flags, hairpin: true } }), {}),
    ).toBe(1);
    expect(found(withPort(answering, "pc", { flags: port("c", C).flags }), arp)).toBe(1);
    expect(found(withPort(bridge(), "pb", dark), arp)).toBe(1);
    expect(found(bridge(), report("224.0.0.251", "UDP"))).toBe(1);
    // On its way to the host a filter dropped it, or a port that did not forward.
    const toHost = (where: string, reason: string | null) => ({
      ...{ destination: "fe:00:00:00:00:00", where, reason },
    });
    const listening = withPort(bridge({ stp: true }), "pa", { state: "listening" });
    expect(found(bridge(), toHost("nf_hook_slow", "NETFILTER_DROP"))).toBe(1);
    expect(found(listening, toHost("br_handle_frame", "BRIDGE_INGRESS_STP_STATE"))).toBe(1);
    expect(found(listening, toHost("br_handle_frame", null))).toBe(1);
    expect(found(bridge(), toHost("br_handle_frame_finish", null))).toBe(0);
  });
});

describe("frames that left nowhere without a drop", () => {
  const off = (name: string) => ({ flags: { ...port("a", A).flags, [name]: false } });
  const all3 = (over: Partial<BridgeState["ports"][number]>) =>
    bridge({ ports: [port("a", A), port("b", B, over), port("c", C, over)] });
  const silent = (over: Partial<Flow> = {}) =>
    flow({ destination: GONE, frames: 1000, copies: 0, ...over });
  const storm = { class: "broadcast", destination: EVERYBODY } as const;

  it.each<[string, BridgeState, Partial<Flow>, string]>([
    ["flood", all3(off("flood")), {}, "flood is off at all other ports: frames for an address"],
    [
      "bcast_flood",
      all3(off("bcastFlood")),
      storm,
      "bcast_flood is off at all other ports: broadcast",
    ],
  ])("are a policy where the state tells one: %s", (_, state, over, title) => {
    const { findings } = judge({}, { state, flows: [silent(over)] });
    expect(findings).toMatchObject([
      {
        ...{ kind: "policy", cause: "flood-off", severity: "low", lost: 1000, frames: 1000 },
        ...{ where: null, reason: null, bytes: 60_000, since: "not timed" },
      },
    ]);
    expect(findings[0]?.title).toContain(title);
    expect(findings[0]?.evidence[0]).toContain("left by no port, and no drop of them was seen");
    // Members and hosts that are known get theirs all the same.
    const open = withPort(state, "pc", { flags: port("c", C).flags });
    expect(judge({}, { state: open, flows: [silent(over)] }).findings).toEqual([]);
  });

  it("are below where nothing tells why, since they may have left unseen", () => {
    const { findings, below } = judge({}, { flows: [silent()] });
    expect(findings).toEqual([]);
    expect(below).toMatchObject([{ kind: "nowhere", frames: 1000, destination: GONE }]);
    expect(judge({}, { flows: [silent({ copies: 1 })] }).below).toEqual([
      expect.objectContaining({ kind: "flood", frames: 1 }),
    ]);
  });

  it("are those that the host alone got, too", () => {
    const up = silent({ ...storm, copies: 1000, hostCopies: 1000 });
    const { findings } = judge({}, { state: all3(off("bcastFlood")), flows: [up] });
    expect(findings).toMatchObject([{ cause: "flood-off", lost: 1000 }]);
  });

  it("are told once where they were seen to be dropped", () => {
    const { findings } = judge(
      { lost: [lost(1000, { destination: GONE, at: PA })] },
      { state: all3(off("flood")), flows: [silent()] },
    );
    expect(findings).toMatchObject([
      { cause: "flood-off", lost: 1000, where: "sch_handle_egress" },
    ]);
  });

  it("are not told where fragments may have left under another head", () => {
    const ip = { ip: true, ip6: false, arp: false };
    const calls = { netfilterCalls: { ...ip, sysctls: ip } };
    const state = { ...all3(off("flood")), ...calls };
    const some = silent({ copies: 400 });
    expect(
      judge({}, { state, flows: [some] }).findings.filter(({ kind }) => kind !== "flood"),
    ).toEqual([]);
    expect(judge({}, { state, flows: [silent()] }).findings).toHaveLength(1);
  });
});

describe("frames that leave by a port while their destination is seen behind another", () => {
  const astray = (state: BridgeState, over: Partial<Collected> = {}, before = state) => {
    const context = {
      ...{ before, state },
      collected: collected([], { known: [known(100, 100)], ...over }),
    };
    return lostFlows(context, deliveryOf(state, context.collected));
  };
  const wrong = bridge({ entries: [entry(B, "c")] });

  it("are lost behind that", () => {
    expect(astray(wrong)).toMatchObject([
      { at: PC, behind: true, where: null, frames: 100, came: 100, destination: B },
    ]);
  });

  it.each<[string, BridgeState, Partial<Collected>?, BridgeState?]>([
    ["where they leave by the right one", KNOWN_B],
    ["of a host that has moved meanwhile", wrong, {}, KNOWN_B],
    [
      "of one whose entry was elsewhere for a while",
      wrong,
      { homes: [{ address: B, vlan: 0, port: PB, local: false }] },
    ],
    ["of an address that was taught there meanwhile", wrong, {}, bridge()],
    [
      "of one that has come back there meanwhile",
      wrong,
      { moves: [{ address: B, vlan: 0, port: PC, moves: 1 }] },
    ],
    ["of an address that nobody is seen to have", bridge({ entries: [entry(GONE, "c")] })],
    ["of the host's own", bridge({ address: B, entries: [entry(B, "c")] })],
    ["of another VLAN's entry", bridge({ entries: [entry(B, "c", { vlan: 7 })] })],
    ["that came in by the port of the entry", bridge({ entries: [entry(B, "a")] })],
  ])("but not %s", (_, state, over, before) => {
    expect(astray(state, over, before)).toEqual([]);
  });
});

describe("in one report", () => {
  const policy = bridge({
    entries: [entry(B, "b")],
    ports: [port("a", A), port("b", B), port("c", C)].map((one) => ({
      ...one,
      flags: { ...one.flags, bcastFlood: false },
    })),
  });
  const storm = flow({ class: "broadcast", destination: EVERYBODY, frames: 5000, copies: 0 });

  it("floods come first, then losses, the worst first, then policy", () => {
    const { findings } = judge(
      {
        known: [known(1000, 932), known(30, 0, { source: C, port: PC })],
        lost: [lost(68), lost(30, { source: C, port: PC, where: "veth_xmit" })],
      },
      { state: policy, flows: [storm, flow({ destination: GONE })] },
    );
    expect(findings.map(({ kind, severity }) => `${kind} ${severity}`)).toEqual([
      "flood medium",
      "loss high",
      "loss medium",
      "policy low",
    ]);
  });

  it("no more are lost than came in, or were to leave", () => {
    const { findings } = judge(
      { known: [known(10, 0)], lost: [lost(8), lost(7, { at: PA })] },
      { state: KNOWN_B, flows: [storm] },
    );
    for (const { lost: many, frames, copies } of findings)
      expect(many).toBeLessThanOrEqual(Math.max(frames, copies));
    expect(findings).toMatchObject([
      { kind: "loss", lost: 10, frames: 10, severity: "high", victims: [{ copies: 10 }] },
    ]);
  });

  it("the host's own frames come in by the host", () => {
    const own = { port: BRIDGE, source: "fe:00:00:00:00:00" };
    const { findings } = judge({ lost: [lost(50, own)], known: [known(50, 0, own)] });
    expect(findings[0]?.ingressPort?.name).toBe("host");
    expect(findings[0]?.evidence[0]).toContain("in by host, were dropped");
  });
});
