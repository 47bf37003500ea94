import { describe, expect, test } from "vitest";
import { fullMaps, readAccount } from "../../../src/probes/account.ts";
import { probeMaps } from "../../model/probe-maps.ts";

/** `class << 1 | first`: the classes are unknown, known, broadcast, multicast and the bridge's own, from 1 on. */
const firsts = (cls: number) => (cls << 1) | 1;
const others = (cls: number) => cls << 1;

describe("the account of a port", () => {
  const counts = {
    in: { "2": 50_000 },
    way: {
      [`3,2,${firsts(1)}`]: 1,
      [`3,2,${firsts(2)}`]: 19,
      [`3,2,${firsts(3)}`]: 290,
      [`4,2,${others(3)}`]: 280,
      [`9,2,${firsts(3)}`]: 5,
      [`3,2,${firsts(4)}`]: 3950,
      [`9,2,${firsts(5)}`]: 40_007,
      [`2,4,${firsts(2)}`]: 4,
      // A class that was never told is of no decision.
      [`3,2,${firsts(0)}`]: 1,
    },
    originated: { "2": 2 },
    unattributed: { "2": 3 },
    learned: { "2": 4 },
    moved: { "2": 5 },
    inExtra: { "2": 70 },
    outExtra: { "2": 80 },
    aged: { "": 6 },
    removed: { "": 7 },
  };
  // By CPU: the frame in hand, its port in the upper half, the device, and frames that no other map has yet.
  const cur = {
    "0": [0xffff_8880_1234_0000n, (2n << 32n) + 0x105n, 0xffff_8880_5678_0000n, 300n],
    "1": [0n, (2n << 32n) + 0xfff_0000n, 7n, 21n],
    "3": [0n, 0n, 0n, 0n],
  };
  const found = probeMaps(counts, { cur });
  const accountOf = () => readAccount(found, [2, 3, 4, 5]);

  test("has what came in, counted and still held, and what became of it; the rest was filtered", () => {
    expect(accountOf().ports.get(2)).toEqual({
      ingress: 50_321,
      egress: 9,
      originated: 2,
      unattributed: 3,
      copies: 44_553,
      learned: 4,
      moved: 5,
      segments: { ingress: 50_391, egress: 89 },
      decisions: {
        unknownUnicast: 1,
        knownUnicast: 19,
        broadcast: 295,
        multicast: 3950,
        local: 40_007,
        filtered: 50_321 - 44_272,
      },
    });
  });

  test("is of that port alone, and of nothing where there is nothing", () => {
    const account = accountOf();
    expect(account.ports.get(3)).toMatchObject({ ingress: 0, egress: 4261, copies: 0 });
    expect(account.ports.get(5)).toEqual({
      ...{ ingress: 0, egress: 0, originated: 0, unattributed: 0, copies: 0, learned: 0, moved: 0 },
      segments: { ingress: 0, egress: 0 },
      decisions: {
        ...{ knownUnicast: 0, unknownUnicast: 0, broadcast: 0, multicast: 0, local: 0 },
        filtered: 0,
      },
    });
    expect([...account.ports.keys()]).toEqual([2, 3, 4, 5]);
  });

  test("of the whole bridge has what was aged and removed, and no floods without function probes", () => {
    const account = accountOf();
    expect([account.aged, account.removed]).toEqual([6, 7]);
    expect(account.flooding).toBeNull();
    expect(account.drops).toEqual([]);
  });
});

test("copies by each port alone make the same account", () => {
  const found = probeMaps({
    in: { "2": 9 },
    out: { "3": 6, "4": 5 },
    copies: { [`2,${firsts(3)}`]: 6, [`2,${others(3)}`]: 5 },
  });
  const { ports } = readAccount(found, [2, 3, 4]);
  expect(ports.get(2)).toMatchObject({ ingress: 9, egress: 0, copies: 11 });
  expect(ports.get(2)?.decisions).toMatchObject({ broadcast: 6, filtered: 3 });
  expect([ports.get(3)?.egress, ports.get(4)?.egress]).toEqual([6, 5]);
});

describe("floods by what br_flood was told, and by port", () => {
  const calls = { floods: { "0": 5, "1": 6, "2": 7 }, considered: { "2": 18, "3": 17 } };
  const flooding = {
    calls: { unicast: 5, multicast: 6, broadcast: 7 },
    // The host is no target, though it hears them.
    ports: new Map([
      [2, { considered: 18, copies: 9 }],
      [4, { considered: 0, copies: 0 }],
    ]),
  };

  test("from copies by both ports, without those of frames that were forwarded", () => {
    const way = {
      [`2,3,${firsts(1)}`]: 4,
      [`2,3,${others(3)}`]: 5,
      [`2,3,${firsts(2)}`]: 100,
      [`4,3,${others(3)}`]: 5,
    };
    expect(readAccount(probeMaps({ ...calls, way: way }), [2, 4], true).flooding).toEqual(flooding);
  });

  test("from copies by each port alone", () => {
    const found = probeMaps({ ...calls, flooded: { "2": 9, "3": 8 } });
    expect(readAccount(found, [2, 4], true).flooding).toEqual(flooding);
  });
});

test("drops with where, why and on which way", () => {
  const found = probeMaps({
    drops: { "4096,2,0": 1, "4097,3,1": 2, "4098,4,2": 3, "4099,5,3": 4, "4100,6,9": 5 },
  });
  expect(readAccount(found, []).drops).toEqual([
    { location: 4096, reason: 2, leg: "bridge", count: 1 },
    { location: 4097, reason: 3, leg: "toPort", count: 2 },
    { location: 4098, reason: 4, leg: "fromPort", count: 3 },
    { location: 4099, reason: 5, leg: "host", count: 4 },
    { location: 4100, reason: 6, leg: "bridge", count: 5 },
  ]);
});

test("maps that may be full are those with keys that the program has", () => {
  const found = probeMaps({ in: { "2": 1 }, way: {}, aged: { "": 1 }, fdb: {} }, { cur: {} });
  expect(fullMaps(found)).toEqual(["in is full", "way is full", "fdb is full"]);
});
