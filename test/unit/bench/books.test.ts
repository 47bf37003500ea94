import { describe, expect, it } from "vitest";
import { type BookPort, balance, bridgeAccount } from "../../../src/bench/observe/accounting.ts";
import type { Account, PortTally } from "../../../src/probes/account.ts";

const NO_DECISIONS = {
  knownUnicast: 0,
  unknownUnicast: 0,
  broadcast: 0,
  multicast: 0,
  local: 0,
  filtered: 0,
};

function tally(change: Partial<PortTally>): PortTally {
  return {
    ingress: 0,
    egress: 0,
    originated: 0,
    unattributed: 0,
    copies: 0,
    learned: 0,
    moved: 0,
    segments: { ingress: change.ingress ?? 0, egress: change.egress ?? 0 },
    decisions: NO_DECISIONS,
    ...change,
  };
}

function port(name: string, ifindex: number, change: Partial<BookPort> = {}): BookPort {
  return { name, ifindex, notComparable: null, unit: "frames", host: false, ...change };
}

const zero = { rx: 0, tx: 0, rxDropped: 0, txDropped: 0, rxBytes: 0, txBytes: 0 };
const PORTS = [port("p1", 3), port("p2", 4), port("br0", 2, { host: true })];

function account(ports: Record<number, PortTally>): Account {
  const map = new Map(Object.entries(ports).map(([key, value]) => [Number(key), value]));
  return { ports: map, aged: 0, removed: 0, flooding: null, drops: [] };
}

/** Ten frames in at p1: nine to p2, of which one is dropped, and one to the host; one originated at p2. */
const books = account({
  3: tally({ ingress: 10, copies: 10, decisions: { ...NO_DECISIONS, knownUnicast: 9, local: 1 } }),
  4: tally({ egress: 10, originated: 1 }),
  2: tally({ egress: 1 }),
});

const before = new Map([
  ["p1", { ...zero, rx: 100 }],
  ["p2", zero],
  ["br0", zero],
]);
const after = new Map([
  ["p1", { ...zero, rx: 110, rxBytes: 600 }],
  ["p2", { ...zero, tx: 9, txDropped: 1, txBytes: 540 }],
  ["br0", { ...zero, rx: 1, rxBytes: 46 }],
]);

describe("balance", () => {
  it("closes: ingress = rx, copies + originated = tx + txDropped, the host's the other way round", () => {
    const ports = balance(books, PORTS, before, after);
    expect(ports.map((one) => [one.name, one.closure.ingress, one.closure.egress])).toEqual([
      ["p1", 0, 0],
      ["p2", 0, 0],
      ["host", 0, 0],
    ]);
    const bridge = bridgeAccount(books, ports, []);
    expect(bridge).toMatchObject({ ingress: 10, egress: 11, originated: 1, unaccounted: 0 });
    expect(bridge.amplification).toBe(1);
    expect(bridge.counters).toEqual({ rx: 10, tx: 10, rxDropped: 0, txDropped: 1 });
  });

  it("takes bytes from the counters; the bridge device does not count the header of what it receives", () => {
    const ports = balance(books, PORTS, before, after);
    expect(ports.map(({ bytes }) => [bytes.ingress, bytes.egress])).toEqual([
      [600, 0],
      [0, 540],
      [0, 60],
    ]);
  });

  it("adds what is missing on one port to what is too much on another", () => {
    const off = new Map(after).set("p1", { ...zero, rx: 111 }).set("p2", { ...zero, tx: 9 });
    const ports = balance(books, PORTS, before, off);
    expect(bridgeAccount(books, ports, []).unaccounted).toBe(2);
  });

  it("compares segments where GRO merges frames before the bridge", () => {
    const gro = account({ 3: tally({ ingress: 2, segments: { ingress: 60, egress: 0 } }) });
    const [row] = balance(
      gro,
      [port("p1", 3, { unit: "segments" })],
      new Map([["p1", zero]]),
      new Map([["p1", { ...zero, rx: 60 }]]),
    );
    expect(row?.closure).toEqual({ unit: "segments", ingress: 0, egress: 0 });
  });

  it("says why counters mean something else, and leaves such a port out of the sum", () => {
    const odd = balance(books, [port("p1", 3, { notComparable: "XDP" })], before, before);
    expect(odd[0]?.closure).toEqual({
      unit: "notComparable",
      ingress: 0,
      egress: 0,
      reason: "XDP",
    });
  });

  it("has no amplification without ingress", () => {
    expect(bridgeAccount(account({}), [], []).amplification).toBeNull();
  });
});
