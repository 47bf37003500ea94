import { describe, expect, it } from "vitest";
import type { Membership } from "../../../src/live/membership.ts";
import { atHome, flowCounts, readSeen, scaled, slotOf } from "../../../src/live/read-maps.ts";
import { createSteps } from "../../../src/live/steps.ts";
import { macInteger } from "../../../src/text/mac-address.ts";
import { A, B, bridge, EVERYBODY, withPort } from "../explain/bridge.ts";

/** Slots of the ports pa, pb and pc, which have the ifindexes 10, 11 and 12; 8191 is of any that joined. */
const PA = 1n;
const PB = 2n;
const JOINED = 8191n;

type Counts = Record<string, [key: bigint[], count: number][]>;
type Tuples = Record<string, [key: bigint[], value: bigint[]][]>;

const mapsOf = (counts: Counts, tuples: Tuples = {}) => ({
  has: () => true,
  counts: (name: string) => counts[name] ?? [],
  tuples: (name: string) => tuples[name] ?? [],
  full: () => [],
});

const membersOf = (over: Partial<Membership> = {}): Membership => ({
  ...{ follow: () => true, check: () => true, close: () => {}, homes: () => [] },
  ...{ joined: () => new Set<number>(), names: () => new Set(["br0"]), ownAddresses: () => [] },
  portOf: (slot) => (slot === JOINED || slot === 0n ? 0 : Number(slot) + 9),
  ...over,
});

const PLACES = ["br_forward", "packet_rcv", "br_stp_rcv", "e1000_clean_tx_irq", "vxlan_xmit"];
const reading = (over: Partial<Parameters<typeof readSeen>[1]> = {}) => ({
  ...{ members: membersOf(), steps: createSteps(), state: bridge() },
  names: (location: number, reason: number) => ({
    where: PLACES[location] ?? "?",
    reason: reason === 0 ? null : reason === 2 ? "NOT_SPECIFIED" : "TOO_BIG",
  }),
  ...over,
});

const to = (destination: string, vlan = 0) =>
  (1n << 60n) | (BigInt(vlan) << 48n) | macInteger(destination);
const flow = (slot: bigint, kind: bigint, source: string) =>
  (slot << 51n) | (kind << 48n) | macInteger(source);
const place = (where: string, at: bigint, reason: number) =>
  (BigInt(PLACES.indexOf(where)) << 32n) | (at << 19n) | BigInt(reason);

const lostKey = (where = "br_forward", at = PA, reason = 5, behind = 0n, from = PA) => [
  to(B, 20),
  flow(from, behind, A),
  place(where, at, reason),
];

describe("known unicast", () => {
  const maps = mapsOf({
    flow: [
      [[to(B), flow(PA, 5n, A)], 7],
      [[to(EVERYBODY), flow(PA, 6n, A)], 3],
    ],
    flowCopies: [[[to(B), flow(PA, 5n, A)], 4]],
    flowUp: [[[to(B), flow(PA, 5n, A)], 2]],
  });

  it("is no flood, and the other way round", () => {
    const { known, flows } = readSeen(maps, reading());
    expect(known).toEqual([
      ...[{ port: 10, source: A, destination: B, vlan: 0, frames: 7, copies: 6, hostCopies: 2 }],
    ]);
    expect(flows.map(({ class: kind, frames }) => [kind, frames])).toEqual([["broadcast", 3]]);
  });

  it("has no steps; floods and what is lost have", () => {
    const lost: Counts["lost"] = [[lostKey(), 9]];
    const counts = flowCounts({
      ...maps,
      counts: (name) => (name === "lost" ? lost : maps.counts(name)),
    });
    expect([...counts].map(([key, { frames }]) => [slotOf(key), frames])).toEqual([
      [PA, 3],
      [PA, 9],
    ]);
  });

  it("is scaled with its port", () => {
    const { known } = scaled(readSeen(maps, reading()), (ifindex) => (ifindex === 10 ? 2 : 1));
    expect(known).toMatchObject([{ frames: 14, copies: 12, hostCopies: 4 }]);
  });
});

describe("what is lost", () => {
  const lostOf = (keys: bigint[][], over: Parameters<typeof reading>[0] = {}) =>
    readSeen(mapsOf({ lost: keys.map((key) => [key, 3]) }), reading(over)).lost;

  it("has its flow, its place and what its first frame said", () => {
    const key = lostKey("br_forward", PB, 5);
    const icmp = [1234n, 0x8n, 1n, 0n, 0x01004d0an, 0n, 0x02004d0an];
    const maps = mapsOf(
      { lost: [[key, 3]] },
      { lostDetail: [[key, icmp]], longest: [[key, [1442n]]] },
    );
    expect(readSeen(maps, reading()).lost).toEqual([
      {
        ...{ class: "unicast", port: 10, source: A, destination: B, vlan: 20, frames: 3, at: 11 },
        ...{ behind: false, where: "br_forward", reason: "TOO_BIG", longest: 1442, steps: [] },
        ...{ firstNs: 1234, sourcePort: null, destinationPort: null },
        addresses: { source: "10.77.0.1", destination: "10.77.0.2", protocol: "ICMP" },
      },
    ]);
  });

  it("is behind a port where its other end did not get it", () => {
    expect(lostOf([lostKey("br_forward", PB, 5, 1n)])).toMatchObject([{ at: 11, behind: true }]);
  });

  it("is no copy of a socket that listens at the port, and no BPDU that STP has read", () => {
    expect(lostOf([lostKey("packet_rcv"), lostKey("br_stp_rcv")])).toEqual([]);
  });

  it("is nothing that a driver of hardware may have sent", () => {
    const state = withPort(bridge(), "pb", { kind: "device" });
    const sent = [lostKey("e1000_clean_tx_irq", PB, 2), lostKey("e1000_clean_tx_irq", PB, 0)];
    expect(lostOf(sent, { state })).toEqual([]);
    expect(lostOf(sent)).toHaveLength(2);
    // A reason, the bridge, or the port where it came in.
    const dropped = [
      lostKey("e1000_clean_tx_irq", PB, 5),
      lostKey("br_forward", PB, 2),
      lostKey("e1000_clean_tx_irq", PB, 2, 0n, PB),
    ];
    expect(lostOf(dropped, { state })).toHaveLength(3);
  });

  it("is one flow where functions of the kernel free it at several places", () => {
    const two = [lostKey(), [...lostKey().slice(0, 2), place("br_forward", PA, 6)]];
    const [one, ...more] = atHome(
      readSeen(mapsOf({ lost: two.map((key) => [key, 3]) }), reading()),
      reading(),
    ).lost;
    expect([one?.frames, more]).toEqual([6, []]);
  });

  const home = (address: string, port: number) => ({ address, port, vlan: 20, local: false });

  it("came by the port of its source where nothing else tells, and was dropped at that of its destination", () => {
    const members = membersOf({ homes: () => [home(A, 12), home(B, 11)] });
    const seen = (key: bigint[]) =>
      atHome(readSeen(mapsOf({ lost: [[key, 3]] }), reading({ members })), reading({ members }))
        .lost;
    expect(seen(lostKey("br_forward", PB, 5, 1n, 0n))).toMatchObject([{ port: 12, at: 11 }]);
    expect(seen(lostKey("br_forward", JOINED, 5))).toMatchObject([{ port: 10, at: 11 }]);
    // A port that joined: both are that one.
    expect(seen(lostKey("br_forward", JOINED, 5, 0n, JOINED))).toMatchObject([
      { port: 12, at: 12 },
    ]);
  });

  it("came from the bridge's own device where it has the bridge's address", () => {
    const members = membersOf({ ownAddresses: () => [A] });
    const key = [to(B), flow(0n, 1n, A), place("br_forward", PB, 5)];
    const seen = readSeen(mapsOf({ lost: [[key, 3]] }), reading({ members }));
    expect(atHome(seen, reading({ members })).lost).toMatchObject([{ port: 7, at: 11 }]);
  });
});
