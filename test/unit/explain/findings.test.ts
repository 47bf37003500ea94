/** What is a flood, what is above a threshold, and what is neither. */
import { describe, expect, it } from "vitest";
import { type Judged, judged, THRESHOLDS } from "../../../src/explain/judge/findings.ts";
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
  lost,
  port,
  withPort,
} from "./bridge.ts";

const [PA, PB, PC, BRIDGE] = [10, 11, 12, 7];
const [STORM, GROUPED] = [
  { class: "broadcast", destination: EVERYBODY },
  { class: "multicast", destination: GROUP },
] as const;

function judge(flows: Flow[], state = bridge(), over: Partial<Collected> = {}) {
  return judged(state, collected(flows, over), THRESHOLDS);
}

/** What each port got of frames for a destination. */
function got(destination: string, ports: Record<number, number>, vlan = 0): Collected["got"] {
  return Object.entries(ports).map(([at, copies]) => ({
    ...{ destination, vlan, port: Number(at), copies },
  }));
}

/** Ten seconds of so many frames a step, evenly, each with so many copies. */
function evenly(frames: number, copiesEach: number): Pick<Flow, "frames" | "copies" | "steps"> {
  const step = (index: number) => ({
    ...{ endMs: 250 * (index + 1), frames, copies: frames * copiesEach },
  });
  const steps = Array.from({ length: 40 }, (_, index) => step(index));
  return { frames: 40 * frames, copies: 40 * frames * copiesEach, steps };
}

function all(frames: number, copies: number, endMs = 1000): Partial<Flow> {
  return { frames, copies, steps: [{ endMs, frames, copies }] };
}

it("says of the host that it sends a storm, and of nobody that he is behind it", () => {
  const got = [{ destination: EVERYBODY, vlan: 0, port: PB, copies: 1000 }];
  const { findings } = judge([flow({ ...STORM, port: BRIDGE })], bridge(), { got });
  expect(findings[0]?.title).toBe(`${A}, the host itself, sends a storm of broadcast`);
});

describe("what a bridge rightly sends nowhere is told nowhere:", () => {
  const silent = (over: Partial<Flow>) => flow({ ...all(1000, 0), ...over });
  it.each([
    ["for a host on the same side", bridge({ entries: [entry(GONE, "a")] }), GONE],
    ["for the bridge itself", bridge(), "fe:00:00:00:00:00"],
    ["for a port's own address", bridge(), "fe:00:00:00:00:0b"],
    ["for an address that the bridge had", bridge({ formerAddresses: [GONE] }), GONE],
  ] as const)("%s", (_, state, destination) => {
    const seen = judge([silent({ destination })], state);
    expect(seen).toEqual({ findings: [], below: [], belowMore: 0 });
  });

  it("for a host that was on the same side for a while", () => {
    const homes = [{ address: GONE, vlan: 0, port: PA, local: false }];
    expect(judge([silent({ destination: GONE })], bridge(), { homes }).below).toEqual([]);
    const other = [{ address: GONE, vlan: 7, port: PA, local: false }];
    const elsewhere = judge([silent({ destination: GONE })], bridge(), { homes: other });
    expect(elsewhere.below).toMatchObject([{ kind: "nowhere", frames: 1000 }]);
  });

  it("and what it floods all the same is a flood", () => {
    const state = bridge({ formerAddresses: [GONE] });
    const { findings } = judge([flow({ destination: GONE })], state);
    expect(findings).toMatchObject([{ kind: "flood", destination: GONE, copies: 2000 }]);
  });
});

describe("a flood is copies at ports that should not have them:", () => {
  it("one copy in a thousand frames is none", () => {
    const { findings } = judge([flow({ destination: GONE, ...all(1000, 1) })]);
    expect(findings).toEqual([]);
  });

  it("half of them are one, and of the other half nobody knows", () => {
    const { findings, below } = judge([flow({ destination: GONE, ...all(1000, 500) })]);
    expect(findings).toMatchObject([{ frames: 500, copies: 500, destination: GONE }]);
    expect(below).toEqual([]);
  });

  it("where the destination lives it is no stray", () => {
    const counted = { got: got(B, { [PB]: 1000, [PC]: 1000 }) };
    const { findings, below } = judge([flow()], bridge(), counted);
    expect(findings).toMatchObject([
      { kind: "flood", frames: 1000, copies: 1000, copiesPerSecond: 1000, bytes: 60_000 },
    ]);
    expect(findings[0]?.victims).toEqual([
      { port: { name: "pc", ifindex: PC, owner: null }, copies: 1000 },
    ]);
    expect(findings[0]?.evidence[0]).toContain(
      "left as 2000 copies in 10.0 s, 1000 of them by ports that should not have them",
    );
    expect(below).toEqual([]);
  });

  const to = (destination: string, ports: Record<number, number>) => ({
    got: got(destination, ports),
  });
  const only = all(1000, 1000);
  const upper = {
    ...{ name: "mv0", kind: "macvlan", address: GONE, ifindex: 3 },
    ...{ addresses: [], joined: [] },
  };
  const behindB = (over: object) => {
    const { peer } = port("b", B);
    return withPort(bridge(), "pb", { peer: { ...peer, ...over } as never });
  };
  const namespace = port("b", B).peer?.namespace;
  it.each([
    ["the host behind the port has it", bridge(), B],
    ["a macvlan there has it", behindB({ uppers: [{ ...upper, namespace }] }), GONE],
    ["the other end takes it", behindB({ filter: [GONE] }), GONE],
    ["the FDB has it there", bridge({ entries: [entry(GONE, "b")] }), GONE],
    [
      "nobody is known to have it, and one port got all, behind which may be anybody",
      withPort(bridge(), "pb", { peer: null }),
      GONE,
    ],
  ])("none where %s", (_, state, destination) => {
    const seen = judge([flow({ destination, ...only })], state, to(destination, { [PB]: 1000 }));
    expect(seen).toEqual({ findings: [], below: [], belowMore: 0 });
  });

  it("none where the FDB had it there meanwhile", () => {
    const homes = [{ address: GONE, vlan: 0, port: PB, local: false }];
    const counted = { ...to(GONE, { [PB]: 1000 }), homes };
    expect(judge([flow({ destination: GONE, ...only })], bridge(), counted).findings).toEqual([]);
  });

  it("one where nobody has it, and all that is behind the one port that got all is seen", () => {
    const seen = judge([flow({ destination: GONE, ...only })], bridge(), to(GONE, { [PB]: 1000 }));
    expect(seen.findings).toMatchObject([{ destination: GONE, copies: 1000 }]);
    // Of a port that is gone by now nobody knows who was there.
    const gone = judge([flow({ destination: GONE, ...only })], bridge(), to(GONE, { 99: 1000 }));
    expect(gone.findings).toEqual([]);
  });

  it("one where it lives elsewhere than at the one port that got all", () => {
    const { findings } = judge([flow(only)], bridge(), to(B, { [PC]: 1000 }));
    expect(findings).toMatchObject([{ destination: B, copies: 1000 }]);
  });

  it("none of a group that reaches its members and a router alone", () => {
    const member = { group: "239.1.2.3", source: null, vlan: 0, port: PB, permanent: false };
    const state = bridge({
      multicast: {
        members: [member],
        routers: [{ port: PC, ip4: true, ip6: true }],
        querier: undefined,
      },
    });
    const two = to(GROUP, { [PB]: 1000, [PC]: 1000 });
    const seen = judge([flow({ ...GROUPED, ...all(1000, 2000) })], state, two);
    expect(seen).toEqual({ findings: [], below: [], belowMore: 0 });
    const left = collected([flow({ ...GROUPED, ...all(1000, 2000) })], two);
    expect(judged(bridge(), left, THRESHOLDS, { before: state }).findings[0]?.copies).toBe(1000);
    const nobody = judge([flow({ ...GROUPED, ...all(1000, 2000) })], bridge(), two);
    expect(nobody.findings).toMatchObject([{ kind: "flood", copies: 2000 }]);
    expect(nobody.findings[0]?.victims).toHaveLength(2);
  });

  it("copies of one source's broadcasts are not another's", () => {
    const other = flow({ ...STORM, source: B, port: PB, ...all(500, 500) });
    const both = to(EVERYBODY, { [PA]: 500, [PB]: 1000, [PC]: 1000, [BRIDGE]: 900 });
    const { findings } = judge([flow({ ...STORM }), other], bridge(), both);
    expect(findings.map(({ source, copies }) => [source, copies])).toEqual([
      [A, 2000],
      [B, 500],
    ]);
    const victims = findings.map((one) => one.victims.reduce((sum, { copies }) => sum + copies, 0));
    expect(victims).toEqual([2000, 500]);
    expect(findings[0]?.victims.map(({ port: { name } }) => name)).not.toContain("host");
  });
});

describe("a rate is the most within one second:", () => {
  const burst = (frames: number, endMs = 5250) =>
    flow({ ...STORM, ...all(frames, 2 * frames, endMs) });

  it("a burst of a quarter of a second is above threshold", () => {
    const { findings } = judge([burst(500)]);
    expect(findings).toMatchObject([{ framesPerSecond: 500, copiesPerSecond: 1000 }]);
  });

  it("the same number over ten seconds is not, and is below", () => {
    const { findings, below } = judge([flow({ ...STORM, ...evenly(12, 2) })]);
    expect(findings).toEqual([]);
    expect(below).toEqual([
      {
        ...{ kind: "flood", class: "broadcast", source: A, destination: EVERYBODY, vlan: 0 },
        ingressPort: { name: "pa", ifindex: PA, owner: null },
        ...{ frames: 480, copies: 960, framesPerSecond: 48, copiesPerSecond: 96 },
      },
    ]);
  });

  it("steps of several flows of one group within a second count together", () => {
    const from = (source: string, endMs: number) =>
      flow({ source, destination: GONE, ...all(8, 16, endMs) });
    const near = [from(A, 5000), from(B, 5750), from(C, 5750)];
    expect(judge(near).findings).toMatchObject([{ frames: 24, framesPerSecond: 24 }]);
    const far = [from(A, 2000), from(B, 5000), from(C, 8000)];
    expect(judge(far)).toMatchObject({
      findings: [],
      below: [{ source: null, framesPerSecond: 8 }],
    });
  });

  it("of a step that the second cuts, the part within it", () => {
    const steps = [250, 550, 850, 1150].map((endMs) => ({ endMs, frames: 20, copies: 20 }));
    const { below } = judge([flow({ ...STORM, frames: 80, copies: 80, steps })]);
    expect(below[0]?.framesPerSecond).toBeCloseTo(60 + (20 * 100) / 250);
  });

  it("of steps that were scaled on their own, no more than there were in all", () => {
    const steps = [{ endMs: 250, frames: 110, copies: 220 }];
    const { below } = judge([flow({ ...STORM, frames: 90, copies: 180, steps })]);
    expect(below).toMatchObject([{ frames: 90, framesPerSecond: 90, copiesPerSecond: 180 }]);
  });

  it("fewer frames than there must be are no finding, however fast", () => {
    expect(judge([burst(19)])).toMatchObject({ findings: [], below: [{ frames: 19 }] });
    const few = { destination: GONE, ...all(19, 38) };
    expect(judge([flow(few)]).findings).toEqual([]);
    expect(judge([flow({ ...few, ...all(20, 40) })]).findings).toHaveLength(1);
  });

  it("copies have a threshold of their own", () => {
    const many = evenly(5, 700);
    const { findings } = judge([flow({ ...STORM, ...many })]);
    expect(findings).toMatchObject([
      { severity: "high", framesPerSecond: 20, copiesPerSecond: 14_000 },
    ]);
    const fewer = judge([flow({ ...STORM, ...evenly(5, 249) })]);
    expect(fewer).toMatchObject({ findings: [], below: [{ copiesPerSecond: 4980 }] });
  });

  it.each([
    [999, "low"],
    [1000, "medium"],
    [9999, "medium"],
    [10_000, "high"],
  ])("severity by it: %i copies/s", (copies, severity) => {
    const { findings } = judge([flow({ ...STORM, ...all(500, copies) })]);
    expect(findings).toMatchObject([{ severity }]);
  });

  it("where frames were counted for a part of the time, a few of them are no rate", () => {
    // Three frames that stand for fifty each.
    const seen = flow({ destination: GONE, ...all(150, 300) });
    expect(judge([seen], bridge(), { counted: 0.2 })).toMatchObject({
      findings: [],
      below: [{ framesPerSecond: 150 }],
    });
    expect(judge([seen], bridge(), { counted: 10 }).findings).toHaveLength(1);
    const many = flow({ destination: GONE, ...all(5000, 10_000) });
    const [found] = judge([many], bridge(), { counted: 0.2 }).findings;
    expect(found).toMatchObject({ frames: 5000, framesPerSecond: 5000 });
    // Ninety stand for nine that were counted, of which a good three are sure: thirty-three.
    const stands = (frames: number, counted = 1) => {
      const one = flow({ destination: GONE, ...all(frames, 2 * frames) });
      return judge([one], bridge(), { counted }).findings.length;
    };
    expect([stands(20), stands(45), stands(90), stands(250)]).toEqual([0, 0, 1, 1]);
    // Where little is missing, little is taken off.
    expect([stands(20, 9.6), stands(20, 2)]).toEqual([1, 0]);
  });
});

describe("below the thresholds", () => {
  it("are the largest ten by copies, and how many more", () => {
    const to = (last: number) =>
      flow({ ...GROUPED, destination: `01:00:5e:01:02:${last + 10}`, ...all(last + 1, last + 1) });
    const { below, belowMore } = judge(Array.from({ length: 12 }, (_, last) => to(last)));
    expect(below.map(({ copies }) => copies)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
    expect(belowMore).toBe(2);
  });

  it("is an address that moved now and then", () => {
    const move = { address: B, vlan: 0, port: PC, moves: 9 };
    const { findings, below } = judge([], bridge(), { moves: [move] });
    expect(findings).toEqual([]);
    expect(below).toMatchObject([{ kind: "moves", class: null, source: B, frames: 9 }]);
    const often = judge([], bridge(), { moves: [{ ...move, moves: 20 }] });
    const short = { seconds: 0.1, counted: 0.1, moves: [{ ...move, moves: 1 }] };
    expect(judge([], bridge(), short).below).toMatchObject([{ framesPerSecond: 1 }]);
    expect(often).toMatchObject({ findings: [{ cause: "mac-flapping", frames: 20 }], below: [] });
  });
});

describe("many addresses of one source", () => {
  const scan = (each: (destination: string) => Partial<Flow>, ports: Record<number, number>) => {
    const to = Array.from({ length: 20 }, (_, last) => `02:00:00:00:99:${last + 10}`);
    const flows = to.map((destination) => flow({ destination, ...each(destination) }));
    return judge(flows, bridge(), { got: to.flatMap((one) => got(one, ports)) });
  };

  it("are one finding", () => {
    const { findings, below } = scan(() => all(15, 30), { [PB]: 15, [PC]: 15 });
    expect(findings).toMatchObject([{ source: A, frames: 300, copies: 600 }]);
    expect(findings[0]?.title).toContain("sends to 20 addresses that have no entry");
    expect(below).toEqual([]);
  });

  it("are none that were asked for as neighbours, once they were gone", () => {
    const of = (protocol: string, frames: number) => {
      const addresses = { source: null, destination: null, protocol };
      const each = { ...all(frames, 2 * frames), addresses };
      return scan(() => each, { [PB]: frames, [PC]: frames }).findings.length;
    };
    expect([of("ARP", 3), of("ICMPv6", 3), of("ARP", 4), of("UDP", 3)]).toEqual([0, 0, 1, 1]);
  });

  it("are none of hosts that came and went, each behind a port of its own", () => {
    expect(scan(() => all(15, 15), { 99: 15 })).toMatchObject({ findings: [], below: [] });
  });
});

describe("ports", () => {
  const late = (at: number) => flow({ ...STORM, port: at, ...all(500, 1000) });
  const name = ({ findings }: Pick<Judged, "findings">) => findings[0]?.ingressPort?.name;

  it("that joined meanwhile and are not known are said so", () => {
    const seen = judge([late(0)]);
    expect(name(seen)).toBe("a port that joined meanwhile");
    expect(seen.findings[0]?.title).toContain("behind a port that joined meanwhile sends");
  });

  it("that are gone are named by what was read first", () => {
    const before = bridge();
    const after = bridge({ ports: before.ports.slice(1) });
    const seen = judged(after, collected([late(PA)]), THRESHOLDS, { before });
    expect(name(seen)).toBe("pa");
    // Whether the host has moved, or its frames came round, cannot be told.
    expect(seen.findings[0]?.evidence).toHaveLength(2);
    expect(seen.findings[0]?.title).toContain("behind port pa (gone) sends a storm");
    expect(judge([late(PA)], after).findings[0]?.title).toContain("is gone (ifindex 10)");
  });
});

describe("where a source lives elsewhere than it came in by, it is not blamed:", () => {
  const storm = (source: string, at: number, frames: number) =>
    flow({ ...STORM, source, port: at, ...all(frames, 2 * frames) });

  it("its frames came round", () => {
    const { findings } = judge([storm(B, PA, 1000)]);
    expect(findings).toMatchObject([{ cause: "loop", basis: "inferred", source: B }]);
    expect(findings[0]?.title).toBe(
      `frames of ${B}, which is behind port pb, come in by port pa: they came round`,
    );
  });

  it("also those of the bridge's own", () => {
    const { findings } = judge([storm("fe:00:00:00:00:00", PA, 1000)]);
    expect(findings[0]?.title).toContain("which is behind br0 itself, come in by port pa");
    expect(findings[0]?.evidence[1]).toContain(
      "came in by pa, and fe:00:00:00:00:00 is behind br0 itself",
    );
    const own = judge([storm("fe:00:00:00:00:00", BRIDGE, 1000)]);
    expect(own.findings[0]?.evidence).toHaveLength(2);
    expect(own.findings).toMatchObject([{ cause: "broadcast-storm" }]);
  });

  it("but one that storms by its own port is, with what came round beside it", () => {
    const { findings } = judge([storm(B, PB, 800), storm(B, PA, 300)]);
    expect(findings).toMatchObject([
      { cause: "broadcast-storm", ingressPort: { name: "pb" }, frames: 1100 },
    ]);
    expect(findings[0]?.evidence[1]).toBe(
      `300 frames of ${B} came in by pa, and ${B} is behind pb`,
    );
    expect(judge([storm(B, PB, 1), storm(B, PA, 999)]).findings).toMatchObject([
      { cause: "loop", ingressPort: { name: "pb" } },
    ]);
  });

  it("and nobody knows where others live", () => {
    expect(judge([storm(GONE, PA, 1000)]).findings).toMatchObject([{ cause: "broadcast-storm" }]);
  });
});

describe("a loop", () => {
  const beyond = { inode: 900, path: "/run/netns/s2", own: false, label: "netns s2" };
  const cable = (name: "b" | "c", ifindex: number) => {
    const { peer } = port(name, B);
    const addresses = { address: `fe:00:00:00:09:0${name}`, addresses: [], filter: [] };
    const br1 = { namespace: beyond, name: "br1", ifindex: 5, kind: "bridge" };
    const uppers = [{ ...br1, address: "fe:00:00:00:09:00", addresses: [], joined: [] }];
    return {
      peer: { ...peer, ...addresses, namespace: beyond, ifindex, master: 5, uppers } as never,
    };
  };
  const state = withPort(withPort(bridge(), "pb", cable("b", 11)), "pc", cable("c", 12));
  const round = (port: number, over: Partial<Flow> = {}) => flow({ ...STORM, port, ...over });
  const both = [round(PB, all(3000, 6000)), round(PC, all(2000, 4000))];
  const GROUP_TOO = { ...GROUPED, source: A };

  it("is told once, with all that goes round in it", () => {
    const flows = [...both, round(PB, { ...GROUP_TOO, ...all(1000, 2000) })];
    const moves = [
      { address: A, vlan: 0, port: PB, moves: 40 },
      { address: A, vlan: 0, port: PA, moves: 40 },
    ];
    const { findings } = judge(flows, state, { moves });
    expect(findings).toMatchObject([{ cause: "loop", basis: "observed", frames: 6000 }]);
    expect(findings[0]?.title).toMatch(/^pb and pc both lead to br1 of netns s2 and forward/);
    const evidence = findings[0]?.evidence.join("\n");
    expect(evidence).toContain(`1000 frames of ${A} for ${GROUP}`);
    expect(evidence).toContain(`the entry of ${A} moved: 80 moves`);
  });

  it("has what it makes overflow with it, and no more", () => {
    const drop = { behind: false, where: "__dev_queue_xmit", reason: "QDISC_DROP", at: PB };
    const over = lost({ class: "broadcast", destination: EVERYBODY, port: PC, ...drop });
    const cause = (flows: Flow[]) =>
      judge(flows, state, { lost: [{ ...over, frames: 900 }] }).findings.map((one) => one.cause);
    expect(cause(both)).toEqual(["loop"]);
    expect(cause([])).toEqual(["other"]);
    const { findings } = judge(both, state, { lost: [{ ...over, frames: 900 }] });
    expect(findings[0]?.evidence.at(-1)).toContain("900 copies were lost: __dev_queue_xmit");
  });

  it("is not what moves an address between two other ports", () => {
    const moves = [{ address: B, vlan: 0, port: PA, moves: 40 }];
    const { findings } = judge(both, state, { moves });
    expect(findings.map(({ cause }) => cause)).toEqual(["loop", "mac-flapping"]);
  });
});
