/** Keys and values of @ports and @fdb, which live.bt and watch.bt share. */

import type { BridgeState, FdbEntry, Port } from "../bridge/state.ts";
import { macInteger } from "../text/mac-address.ts";

type Entry = [key: bigint[], value: bigint];

/** A device: the inode number of its namespace, and its ifindex there. */
export function deviceKey(inode: number, ifindex: number): bigint {
  return (BigInt(inode) << 32n) | BigInt(ifindex);
}

/** The numbers by which a program keeps what it counts of a device: its own for as long as the program lives. */
export interface Slots {
  /** The one of `rest` where there are too many. */
  of(device: bigint): bigint;
  /** Of all devices that have none of their own. */
  rest: bigint;
  /** Null for `rest`, for a number that was not given, and for a device that was forgotten. */
  device(slot: bigint): bigint | null;
  /** From now on the device is another one, with a slot of its own. */
  forget(device: bigint): void;
}

/** As many as fit into 13 bits, where live.bt keeps a flow's slot. */
export const LIVE_SLOTS = 8191;

export function createSlots(most: number): Slots {
  const slots = new Map<bigint, bigint>();
  const devices: (bigint | null)[] = [];
  const rest = BigInt(most);
  return {
    rest,
    of: (device) => {
      const known = slots.get(device);
      if (known !== undefined) return known;
      if (devices.length >= most - 1) return rest;
      const slot = BigInt(devices.push(device));
      slots.set(device, slot);
      return slot;
    },
    device: (slot) => devices[Number(slot) - 1] ?? null,
    forget: (device) => {
      const slot = slots.get(device);
      if (slot !== undefined) devices[Number(slot) - 1] = null;
      slots.delete(device);
    },
  };
}

type Members = Pick<BridgeState, "place" | "ifindex" | "pvid" | "vlanFiltering"> & {
  ports: readonly Pick<Port, "ifindex" | "pvid">[];
};

/** The bridge's own device and its ports; `number` is what the program calls the bridge, from 1 on. */
export function portEntries(number: number, state: Members, slots: Slots): Entry[] {
  return [state, ...state.ports].map(({ ifindex, pvid }) => {
    const device = deviceKey(state.place.inode, ifindex);
    return [[device], portValue(number, slots.of(device), pvid, state)];
  });
}

/** Of ports that the program meets before it is told of them: they begin with the bridge's default PVID, in `slot`. */
export function joinedEntry(
  number: number,
  slot: bigint,
  { vlan_default_pvid: pvid, vlan_filtering: filtering }: BridgeState["options"],
): Entry {
  const vlanFiltering = filtering === 1;
  const first = vlanFiltering && typeof pvid === "number" ? pvid : 0;
  return [[BigInt(number)], portValue(number, slot, first, { vlanFiltering })];
}

function portValue(
  number: number,
  slot: bigint,
  pvid: number | null,
  { vlanFiltering }: Pick<Members, "vlanFiltering">,
): bigint {
  const filters = vlanFiltering ? 1n : 0n;
  return (slot << 24n) | (BigInt(number) << 16n) | (BigInt(pvid ?? 0) << 1n) | filters;
}

/** The slot of the bridge's own device, which functions do not get. */
export function hostEntry(number: number, { place, ifindex }: BridgeState, slots: Slots): Entry {
  return [[BigInt(number)], slots.of(deviceKey(place.inode, ifindex))];
}

const LOCAL = 2n;

/** Entries of single hosts; groups are none. */
export function unicast(entries: Iterable<FdbEntry>): FdbEntry[] {
  return [...entries].filter(({ address }) => (Number.parseInt(address.slice(0, 2), 16) & 1) === 0);
}

export function fdbEntries(
  number: number,
  { place }: Pick<BridgeState, "place">,
  entries: Iterable<FdbEntry>,
  slots: Slots,
): Entry[] {
  return unicast(entries).map(({ address, vlan, local, port }) => [
    [(BigInt(number) << 60n) | (BigInt(vlan) << 48n) | macInteger(address)],
    local ? LOCAL : (slots.of(deviceKey(place.inode, port)) << 2n) | 1n,
  ]);
}
