import { describe, expect, test } from "vitest";
import { fullMaps, readAccount } from "../../../src/probes/account.ts";
import { emptyRecords } from "../../../src/probes/records.ts";

function records(maps: Record<string, Record<string, number>>) {
  return {
    ...emptyRecords(),
    maps: new Map(
      Object.entries(maps).map(([name, map]) => [name, new Map(Object.entries(map))] as const),
    ),
  };
}

describe("the account of a port", () => {
  const found = records({
    // By ifindex and class: unknown, known, broadcast, multicast, the bridge's own, undecided.
    "@in": { "2,0": 1, "2,1": 20, "2,2": 300, "2,3": 4000, "2,4": 50_000, "2,5": 600_000 },
    "@left": { "2,0": 1, "2,1": 18, "2,2": 290, "2,3": 3900, "2,4": 7 },
    "@up": { "2,1": 1, "2,2": 5, "2,3": 50, "2,4": 40_000 },
    "@out": { "2": 9, "3": 11 },
    "@originated": { "2": 2 },
    "@unattributed": { "2": 3 },
    "@copies": { "2": 900 },
    "@learned": { "2": 4 },
    "@moved": { "2": 5 },
    "@inExtra": { "2": 70 },
    "@outExtra": { "2": 80 },
    "@inBytes": { "2": 6000 },
    "@outBytes": { "2": 540 },
    "@aged": { "": 6 },
    "@removed": { "": 7 },
  });
  const accountOf = () => readAccount(found, [2, 3, 4]);

  test("has what came in of every class, and what became of it; the rest was filtered", () => {
    expect(accountOf().ports.get(2)).toEqual({
      ingress: 654_321,
      egress: 9,
      originated: 2,
      unattributed: 3,
      copies: 900,
      learned: 4,
      moved: 5,
      segments: { ingress: 654_391, egress: 89 },
      bytes: { ingress: 6000, egress: 540 },
      decisions: {
        unknownUnicast: 1,
        knownUnicast: 19,
        broadcast: 295,
        multicast: 3950,
        local: 40_007,
        filtered: 654_321 - 44_272,
      },
    });
  });

  test("is of that port alone, and of nothing where there is nothing", () => {
    const account = accountOf();
    expect(account.ports.get(3)).toMatchObject({ ingress: 0, egress: 11, copies: 0 });
    expect(account.ports.get(4)).toEqual({
      ...{ ingress: 0, egress: 0, originated: 0, unattributed: 0, copies: 0, learned: 0, moved: 0 },
      segments: { ingress: 0, egress: 0 },
      bytes: { ingress: 0, egress: 0 },
      decisions: {
        ...{ knownUnicast: 0, unknownUnicast: 0, broadcast: 0, multicast: 0, local: 0 },
        filtered: 0,
      },
    });
    expect([...account.ports.keys()]).toEqual([2, 3, 4]);
  });

  test("of the whole bridge has what was aged and removed, and no floods without function probes", () => {
    const account = accountOf();
    expect([account.aged, account.removed]).toEqual([6, 7]);
    expect(account.flooding).toBeNull();
    expect([account.drops, account.samples]).toEqual([[], []]);
  });
});

test("floods by what br_flood was told, and by port", () => {
  const found = records({
    "@floods": { "0": 5, "1": 6, "2": 7 },
    "@considered": { "2": 18, "3": 17 },
    "@flooded": { "2": 9, "3": 8 },
  });
  expect(readAccount(found, [2, 4], true).flooding).toEqual({
    calls: { unicast: 5, multicast: 6, broadcast: 7 },
    ports: new Map([
      [2, { considered: 18, copies: 9 }],
      [4, { considered: 0, copies: 0 }],
    ]),
  });
});

test("drops with where, why and on which way", () => {
  const found = records({
    "@drops": { "4096,2,0": 1, "4097,3,1": 2, "4098,4,2": 3, "4099,5,3": 4, "4100,6,9": 5 },
  });
  expect(readAccount(found, []).drops).toEqual([
    { location: 4096, reason: 2, leg: "bridge", count: 1 },
    { location: 4097, reason: 3, leg: "toPort", count: 2 },
    { location: 4098, reason: 4, leg: "fromPort", count: 3 },
    { location: 4099, reason: 5, leg: "host", count: 4 },
    { location: 4100, reason: 6, leg: "bridge", count: 5 },
  ]);
});

describe("samples", () => {
  const samplesOf = (map: Record<string, number>) =>
    readAccount(records({ "@lat": map }), []).samples;

  test("are of a stage, a round and a port", () => {
    const stages = [1, 2, 3, 4, 5, 6, 7].map((stage) => samplesOf({ [`3,${stage},8,0`]: 2 }));
    expect(stages.map(([one]) => one?.stage)).toEqual([
      ...["veth.in", "bridge.forward", "bridge.flood", "bridge.learn", "path", "bridge.lookup"],
      undefined,
    ]);
    expect(stages[0]).toEqual([{ stage: "veth.in", round: 3, port: 8, bucket: [0, 1, 2] }]);
  });

  test("lie in a bucket whose low byte is its step and whose high one the width's power of two", () => {
    expect(samplesOf({ [`1,1,0,${(3 << 8) | 17}`]: 4 })).toMatchObject([{ bucket: [136, 144, 4] }]);
    expect(samplesOf({ [`1,1,0,${(10 << 8) | 255}`]: 1 })).toMatchObject([
      { bucket: [255 * 1024, 256 * 1024, 1] },
    ]);
  });
});

test("a map is full when it has as many keys as it has room for", () => {
  const found = records({
    "@in": { a: 1, b: 2 },
    "@out": { a: 1 },
    "@aged": { "": 1 },
    "@lat": {},
  });
  const rooms = new Map([
    ["@in", 2],
    ["@out", 2],
    ["@aged", 1],
  ]);
  expect(fullMaps(found, rooms)).toEqual(["@in"]);
  expect(fullMaps(found, new Map([["@in", 1]]))).toEqual(["@in"]);
  expect(fullMaps(found, new Map())).toEqual([]);
});
