import { describe, expect, it } from "vitest";
import {
  createSlots,
  deviceKey,
  joinedEntry,
  portEntries,
} from "../../../src/live/program-keys.ts";

const PLACE = { inode: 7, path: "/proc/1/ns/net", own: true, label: "host" };
const members = (vlanFiltering: boolean, ...ports: number[]) => ({
  ...{ place: PLACE, ifindex: 2, pvid: 1, vlanFiltering },
  ports: ports.map((ifindex) => ({ ifindex, pvid: 20 })),
});

describe("slots", () => {
  it("are given once, and lead back to their device", () => {
    const slots = createSlots(100);
    expect([slots.of(100n), slots.of(200n), slots.of(100n)]).toEqual([1n, 2n, 1n]);
    expect([slots.device(2n), slots.device(3n), slots.device(0n)]).toEqual([200n, null, null]);
  });

  it("are no more than fit: the others share one that leads to nobody", () => {
    const slots = createSlots(3);
    expect([10n, 20n, 30n, 40n].map(slots.of)).toEqual([1n, 2n, 3n, 3n]);
    expect([slots.rest, slots.device(3n), slots.device(2n)]).toEqual([3n, null, 20n]);
  });

  it("of a device that another one has followed lead to nobody, and the new one has its own", () => {
    const slots = createSlots(100);
    const old = slots.of(10n);
    slots.forget(10n);
    const now = slots.of(10n);
    expect([slots.device(old), slots.device(now), now === old]).toEqual([null, 10n, false]);
  });
});

it("the entries of devices have the slot, the bridge, the PVID and whether VLANs count", () => {
  const slots = createSlots(8191);
  expect(portEntries(3, members(true, 5), slots)).toEqual([
    [[deviceKey(7, 2)], (1n << 24n) | (3n << 16n) | (1n << 1n) | 1n],
    [[deviceKey(7, 5)], (2n << 24n) | (3n << 16n) | (20n << 1n) | 1n],
  ]);
});

it("a port that is met before it is told of begins with the bridge's default PVID, where VLANs count", () => {
  const entry = (options: Record<string, number>) => joinedEntry(3, 9n, options);
  expect(entry({ vlan_filtering: 1, vlan_default_pvid: 20 })).toEqual([
    [3n],
    (9n << 24n) | (3n << 16n) | (20n << 1n) | 1n,
  ]);
  expect(entry({ vlan_filtering: 0, vlan_default_pvid: 20 })).toEqual([
    [3n],
    (9n << 24n) | (3n << 16n),
  ]);
});
