/** Over every cause: what is proposed, and that it is not proposed where it is in force. */
import { describe, expect, it, test } from "vitest";
import type { BridgeState, FdbEntry, Remote } from "../../../src/bridge/state.ts";
import type { Finding, FloodCause } from "../../../src/document/explain.ts";
import { ALL_CAUSES } from "../../../src/explain/causes/index.ts";
import { type Change, type Proposal, remedyOf } from "../../../src/explain/causes/remedy.ts";
import { judged, THRESHOLDS } from "../../../src/explain/judge/findings.ts";
import type { Collected } from "../../../src/live/collect.ts";
import {
  A,
  B,
  bridge,
  C,
  chain,
  collected,
  EVERYBODY,
  entry,
  filters,
  flow,
  GONE,
  GROUP,
  HANDED,
  neighbour,
  overlay,
  port,
  remote,
  rule,
  vxlan,
  withPort,
} from "./bridge.ts";

interface Situation {
  state: BridgeState;
  counted?: Collected;
  /** That is proposed; null where nothing is. */
  command: string | null;
  /** The same bridge once somebody has done that. */
  done?: (state: BridgeState) => BridgeState;
}

const B_AT_PB = "bridge fdb replace 02:00:00:00:0b:0b dev pb master static";
const unlearned = bridge({ neighbours: [neighbour("10.77.0.2", B)] });
const flags = (over: object) => ({ flags: { ...port("b", B).flags, ...over } });
const added =
  (over: Partial<FdbEntry> = {}) =>
  (state: BridgeState) => ({
    ...state,
    entries: [...state.entries, entry(B, "b", { static: true, ...over })],
  });
const vlans = [
  { vid: 10, pvid: true, untagged: true },
  { vid: 20, pvid: false, untagged: false },
];
const cable = bridge().place;

const SITUATIONS: Record<FloodCause, Situation> = {
  "never-learned": {
    state: withPort(unlearned, "pb", { counters: { ...port("b", B).counters, rx: 0 } }),
    counted: collected([flow()]),
    command: B_AT_PB,
    done: added(),
  },
  "aged-out": {
    state: unlearned,
    counted: collected([flow()]),
    command: B_AT_PB,
    done: added(),
  },
  "entry-removed": {
    state: bridge(),
    counted: collected([flow()], { deleted: [{ address: B, by: "bridge (pid 4711)" }] }),
    command: B_AT_PB,
    done: added(),
  },
  "asymmetric-path": {
    state: bridge(),
    counted: collected([flow({ acknowledged: 50 })]),
    command: B_AT_PB,
    done: added(),
  },
  "fdb-full": {
    state: bridge({ learned: 2, maxLearned: 2, entries: [entry(A, "a"), entry(C, "c")] }),
    counted: collected([flow()]),
    command: B_AT_PB,
    done: added(),
  },
  "locked-port": {
    state: withPort(bridge(), "pb", flags({ learning: false, locked: true })),
    counted: collected([flow()]),
    command: B_AT_PB,
    done: added(),
  },
  "destination-gone": {
    state: bridge({ neighbours: [neighbour("10.77.0.99", GONE)] }),
    counted: collected([flow({ destination: GONE })]),
    command: "nsenter --net=/run/netns/a -- ip neigh del 10.77.0.99 dev eth0",
    done: (state) => ({ ...state, neighbours: [] }),
  },
  "ageing-disabled": {
    state: bridge({ ageingMs: 0 }),
    counted: collected([flow()]),
    command: "ip link set dev br0 type bridge ageing_time 30000",
    done: (state) => ({ ...state, ageingMs: 300_000 }),
  },
  "learning-off": {
    state: withPort(bridge(), "pb", flags({ learning: false })),
    counted: collected([flow()]),
    command: "bridge link set dev pb learning on",
    done: (state) => withPort(state, "pb", flags({ learning: true })),
  },
  "wrong-port": {
    state: bridge({ entries: [entry(B, "c", { static: true })] }),
    command: B_AT_PB,
    done: (state) => ({ ...state, entries: [entry(B, "b", { static: true })] }),
  },
  "vlan-mismatch": {
    state: withPort(
      bridge({ vlanFiltering: true, entries: [entry(B, "b", { vlan: 20 })] }),
      ...(["pa", { pvid: 10, vlans }] as const),
    ),
    counted: collected([flow({ vlan: 10 })]),
    command: "bridge vlan add dev pa vid 20 pvid untagged",
    done: (state) => withPort(state, "pa", { pvid: 20 }),
  },
  "mac-flapping": {
    state: bridge({ entries: [entry(B, "c")] }),
    counted: collected([], {
      moves: [
        { address: B, vlan: 0, port: 11, moves: 100 },
        { address: B, vlan: 0, port: 12, moves: 100 },
      ],
    }),
    command: "bridge fdb replace 02:00:00:00:0b:0b dev pb master static sticky",
    done: (state) => ({ ...state, entries: [entry(B, "b", { static: true, sticky: true })] }),
  },
  "broadcast-storm": {
    state: bridge(),
    counted: collected([
      flow({ class: "broadcast", destination: EVERYBODY, copies: 3000, hostCopies: 1000 }),
    ]),
    command: "bridge link set dev pa state 0",
    done: (state) => withPort(state, "pa", { state: "disabled" }),
  },
  loop: {
    state: bridge({
      ports: [
        port("a", A, { peer: { ...port("a", A).peer, namespace: cable, ifindex: 11 } as never }),
        port("b", B, { peer: { ...port("b", B).peer, namespace: cable, ifindex: 10 } as never }),
      ],
    }),
    counted: collected([flow({ destination: GONE })]),
    command: "ip link set dev pb down",
    done: (state) => withPort(state, "pb", { up: false, state: "disabled" }),
  },
  "vxlan-stale-remote": {
    state: overlay([remote(GONE, "192.0.2.9", { answers: false })], {
      neighbours: [neighbour("10.77.0.99", GONE)],
    }),
    counted: collected([flow({ destination: GONE })]),
    command: "nsenter --net=/run/netns/a -- ip neigh del 10.77.0.99 dev eth0",
    done: (state) => ({ ...state, neighbours: [] }),
  },
  "topology-change": { state: bridge({ stp: true, topologyChange: true }), command: null },
  "multicast-unregistered": {
    state: bridge({ mcastSnooping: false, mcastQuerier: false }),
    counted: collected([flow({ class: "multicast", destination: GROUP })]),
    command: null,
  },
};

type Told = Pick<Finding, "cause" | "remedy" | "noRemedy">;

/** All that is said of a bridge: of its state, and of what was counted. */
function told(state: BridgeState, counted: Collected = collected([])): Told[] {
  const notes = ALL_CAUSES.flatMap((one) => one.notes(state));
  return [
    ...notes.map(({ cause, remedy }) => ({ cause, ...remedyOf(state, remedy) })),
    ...judged(state, counted, THRESHOLDS).findings,
  ];
}

function commands(all: readonly Told[]): string[] {
  return all.flatMap(({ remedy }) => remedy?.command ?? []);
}

describe.each(Object.entries(SITUATIONS))("%s", (cause, { state, counted, command }) => {
  const all = told(state, counted);

  it("is named, with what would stop it", () => {
    const named = all.filter((one) => one.cause === cause);
    expect(named).not.toEqual([]);
    for (const { remedy } of named) expect(remedy?.command ?? null).toBe(command);
  });

  it("cuts nobody off without saying so, and lets no querier take a group from anybody", () => {
    for (const { remedy } of all) {
      expect(remedy?.command ?? "").not.toMatch(/mcast_/);
      if (remedy?.command.includes("sticky")) {
        expect(remedy.risk).toContain("whoever uses 02:00:00:00:0b:0b behind pc is cut off");
      }
    }
  });
});

describe.each(Object.entries(SITUATIONS).filter(([, { command }]) => command !== null))(
  "%s",
  (_, { state, counted, command, done }) => {
    it("does not propose what is in force", () => {
      const after = done?.(state) ?? expect.fail("the situation does not say how it is done");
      expect(commands(told(after, counted))).not.toContain(command);
    });
  },
);

const far = [remote("02:00:00:00:77:77", "192.0.2.2")];

function withRemotes(state: BridgeState, remotes: Remote[]): BridgeState {
  return withPort(state, "pc", { vxlan: vxlan(remotes) });
}

/** What the kernel makes of a change. */
function after(state: BridgeState, change: Change): BridgeState {
  switch (change.set) {
    case "ageing":
      return { ...state, ageingMs: change.ms };
    case "learning":
    case "locked":
    case "isolated":
    case "hairpin":
      return withPort(state, change.port.name, {
        flags: { ...change.port.flags, [change.set]: change.on },
      });
    case "disabled":
      return withPort(state, change.port.name, { state: "disabled" });
    case "opened":
      return change.cut.reduce((all, { name }) => withPort(all, name, { up: false }), state);
    case "host-entry": {
      const { address, vlan } = change;
      const made = { ...entry(address, "a", { vlan, local: true }), port: state.ifindex };
      return { ...state, entries: [...state.entries, made] };
    }
    case "entry": {
      const { address, vlan, kind } = change;
      const others = state.entries.filter((one) => one.address !== address || one.vlan !== vlan);
      const set = { vlan, static: kind !== "dynamic", sticky: kind === "sticky" };
      const made = { ...entry(address, "a", set), port: change.port.ifindex };
      return { ...state, entries: [...others, made] };
    }
    case "pvid":
      return withPort(state, change.port.name, { pvid: change.vid });
    case "no-neighbour": {
      const neighbours = state.neighbours.filter((one) => one !== change.neighbour);
      return { ...state, neighbours };
    }
    case "mtu":
      return withPort(state, change.device.name, { mtu: change.bytes });
    case "up":
      return withPort(state, change.device.name, { up: true });
    case "forwarding":
      return withPort(state, change.port.name, { state: "forwarding" });
    case "no-stp":
      return change.waiting.reduce<BridgeState>(
        (all, { name }) => withPort(all, name, { state: "forwarding" }),
        { ...state, stp: false },
      );
    case "forward-delay":
      return { ...state, forwardDelayS: change.seconds };
    case "group-forwarding":
      return { ...state, options: { ...state.options, group_fwd_mask: 1 << change.bit } };
    case "own-address":
      // Only sysfs tells that it was set.
      return state;
    case "backlog":
      return { ...state, maxBacklog: change.frames };
    case "member": {
      const { group, vlan, ports } = change;
      const made = ports.map(({ ifindex }) => ({
        ...{ group, vlan, port: ifindex, source: null, permanent: true },
      }));
      const members = [...state.multicast.members, ...made];
      return { ...state, multicast: { ...state.multicast, members } };
    }
    case "remotes":
      return withRemotes(state, [...far, ...change.remotes]);
    case "no-remote":
      return withRemotes(
        state,
        far.filter((one) => one !== change.remote),
      );
    case "nf-call-off": {
      const sysctls = { ip: false, ip6: false, arp: false };
      const options = { ...state.options, nf_call_iptables: 0 };
      return { ...state, options, netfilterCalls: { ...sysctls, sysctls } };
    }
    case "accept": {
      const rules = [rule({ verdict: "accept", drops: false, comment: "bridgescope br0" })];
      return { ...state, filters: filters({ ...change.chain, rules }) };
    }
  }
}

const gone = neighbour("10.77.0.99", GONE);
const base = withPort(
  overlay(far, {
    ...{ ageingMs: 0, vlanFiltering: true, neighbours: [gone, neighbour("10.77.0.2", B)] },
    ...{ netfilterCalls: HANDED, options: { nf_call_iptables: 1 }, filters: filters(chain()) },
  }),
  ...(["pb", { ...flags({ learning: false }), pvid: 10, vlans }] as const),
);
const pb = base.ports[1] ?? expect.fail();
const pc = { name: "pc", ifindex: 12, vxlan: vxlan(far) };
const at = { set: "entry", port: pb, address: B, vlan: 10 } as const;
const CHANGES: Change[] = [
  { set: "ageing", ms: 300_000 },
  { set: "learning", port: pb, on: true },
  { set: "locked", port: pb, on: true },
  { set: "disabled", port: pb },
  { set: "opened", cut: [pb], left: [{ place: base.place, name: "pa" }] },
  { set: "host-entry", address: GONE, vlan: 0 },
  { ...at, kind: "static" },
  { ...at, kind: "dynamic" },
  { ...at, kind: "sticky", others: "pc" },
  { set: "pvid", port: pb, vid: 20 },
  { set: "no-neighbour", neighbour: gone },

  { set: "backlog", frames: 4000 },
  { set: "member", group: "ff02::1:ff00:2", vlan: 10, ports: [pb] },
  { set: "remotes", device: pc, remotes: [remote(B, "192.0.2.3"), remote(B, "192.0.2.4")] },
  { set: "no-remote", device: pc, remote: far[0] ?? expect.fail() },
  { set: "nf-call-off", family: "ip" },
  { set: "accept", chain: chain() },
  { set: "isolated", port: pb, on: true },
  { set: "hairpin", port: pb, on: true },
  { set: "mtu", device: { ...pb, place: base.place }, bytes: 9000 },
  { set: "group-forwarding", bit: 14 },
];
const waiting = withPort(bridge({ stp: true }), "pb", { state: "listening" });
const down = withPort(bridge(), "pb", { up: false, state: "disabled" });
const LINK_CHANGES: [BridgeState, Change][] = [
  [down, { set: "up", device: { ...pb, place: base.place } }],
  [withPort(bridge(), "pb", { state: "blocking" }), { set: "forwarding", port: pb }],
  [waiting, { set: "no-stp", waiting: [pb] }],
  [waiting, { set: "forward-delay", seconds: 2, waiting: [pb] }],
];

function proposal(change: Change): Proposal {
  return { change, effect: "less", risk: "some" };
}

function entries(...of: FdbEntry[]): BridgeState {
  return { ...base, entries: of };
}

describe.each(
  [...CHANGES.map((change) => [base, change] as const), ...LINK_CHANGES].map(
    ([state, change]) => [JSON.stringify(change).slice(0, 60), state, change] as const,
  ),
)("%s", (_, state, change) => {
  test("is proposed where it is not set, and not where it is", () => {
    expect(remedyOf(state, proposal(change)).remedy).not.toBeNull();
    expect(remedyOf(after(state, change), proposal(change))).toEqual({
      remedy: null,
      noRemedy: expect.stringMatching(/ is in force already$/),
    });
  });
});

describe("an entry is in force", () => {
  const wanted = proposal({ ...at, kind: "static" });
  const sticky = proposal({ ...at, kind: "sticky", others: "pc" });
  const still = (state: BridgeState, one: Proposal) => remedyOf(state, one).remedy !== null;
  const there = { vlan: 10, static: true };

  test("at its port, in its VLAN and of its kind, and not else", () => {
    expect(still(entries(entry(B, "b", there)), wanted)).toBe(false);
    expect(still(entries(entry(B, "c", there)), wanted)).toBe(true);
    expect(still(entries(entry(B, "b", { ...there, vlan: 20 })), wanted)).toBe(true);
    expect(still(entries(entry(B, "b", { vlan: 10 })), wanted)).toBe(true);
    expect(still(entries(entry(A, "b", there)), wanted)).toBe(true);
    expect(still(entries(entry(B, "b", there)), sticky)).toBe(true);
    expect(still(entries(entry(B, "b", { ...there, sticky: true })), sticky)).toBe(false);
  });

  test("and what was there before comes back by undo", () => {
    const undo = (...of: FdbEntry[]) => remedyOf(entries(...of), wanted).remedy?.undo;
    // At whichever port it is by then.
    const there10 = `${B} dev pb master`;
    expect(undo()).toBe(
      `bridge fdb replace ${there10} static vlan 10 && bridge fdb del ${there10} vlan 10`,
    );
    const before = entry(B, "c", { ...there, sticky: true });
    expect(undo(before)).toBe(`bridge fdb replace ${B} dev pc master static sticky vlan 10`);
    const learned = entry(B, "c", { vlan: 10 });
    expect(undo(learned)).toBe(`bridge fdb replace ${B} dev pc master dynamic vlan 10`);
  });
});

describe("nothing is proposed that the kernel refuses, or that cuts somebody off:", () => {
  const why = (state: BridgeState, change: Change) => {
    const { remedy, noRemedy } = remedyOf(state, proposal(change));
    expect(remedy).toBeNull();
    return noRemedy;
  };

  test("a port's state under the spanning tree", () => {
    expect(why({ ...base, stp: true }, { set: "disabled", port: pb })).toContain("spanning tree");
  });

  test("an entry in a VLAN that the port is not in", () => {
    expect(why(base, { ...at, vlan: 30, kind: "static" })).toBe("pb is not in VLAN 30");
  });

  test("an entry where another host has the address too", () => {
    const twins = { ...base, ports: [pb, port("c", B)] };
    const said = `the host behind pc has ${B} too`;
    expect(why(twins, { ...at, kind: "static" })).toBe(said);
    expect(why(twins, { ...at, kind: "sticky", others: "pc" })).toBe(said);
  });

  test("an entry in place of a local one", () => {
    const local = entries(entry(B, "b", { vlan: 10, local: true }));
    expect(why(local, { ...at, kind: "static" })).toContain("bridge's own");
  });
});

test("the entry of a flood is one of the flood's VLAN", () => {
  const tagged = withPort(bridge({ vlanFiltering: true }), "pb", { pvid: 10, vlans });
  const of = (vlan: number) => commands(told(tagged, collected([flow({ vlan })])));
  expect(of(10)).toEqual([`${B_AT_PB} vlan 10`]);
  expect(of(20)).toEqual([`${B_AT_PB} vlan 20`]);
  expect(of(30)).toEqual([]);
});

test("an address that moves in a loop is not held", () => {
  const { state } = SITUATIONS.loop;
  const move = { address: C, vlan: 0, moves: 100 };
  const moves = [
    { ...move, port: 10 },
    { ...move, port: 11 },
  ];
  const { findings } = judged(state, collected([], { moves }), THRESHOLDS);
  expect(findings).toMatchObject([{ cause: "loop", basis: "observed" }]);
  expect(commands(findings)).toEqual([SITUATIONS.loop.command]);
});

test("why multicast comes without a command is said", () => {
  const { state, counted } = SITUATIONS["multicast-unregistered"];
  const all = told(state, counted);
  expect(all.map(({ noRemedy }) => noRemedy)).toEqual([
    expect.stringContaining("IPv6 neighbour solicitations"),
    expect.stringContaining("IPv6 neighbour solicitations"),
  ]);
});
