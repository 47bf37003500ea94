/** Keys and values of @ports and @fdb, which live.bt and watch.bt share. */

import type { BridgeState, FdbEntry } from "../bridge/state.ts";
import { macInteger } from "../text/mac-address.ts";

type Entry = [key: bigint[], value: bigint];

/** A device: the inode number of its namespace, and its ifindex there. */
export function deviceKey(inode: number, ifindex: number): bigint {
  return (BigInt(inode) << 32n) | BigInt(ifindex);
}

/** The numbers by which a program keeps what it counts of a device: its own for as long as the program lives. */
export interface Slots {
  of(device: bigint): bigint;
  /** Null for a number that was not given. */
  device(slot: bigint): bigint | null;
}

export function createSlots(): Slots {
  const slots = new Map<bigint, bigint>();
  const devices: bigint[] = [];
  return {
    of: (device) => {
      const known = slots.get(device);
      if (known !== undefined) return known;
      const slot = BigInt(devices.push(device));
      slots.set(device, slot);
      return slot;
    },
    device: (slot) => devices[Number(slot) - 1] ?? null,
  };
}

/** The bridge's own device and its ports; `number` is what the program calls the bridge, from 1 on. */
export function portEntries(number: number, state: BridgeState, slots: Slots): Entry[] {
  const filters = state.vlanFiltering ? 1n : 0n;
  return [state, ...state.ports].map(({ ifindex, pvid }) => {
    const device = deviceKey(state.place.inode, ifindex);
    const low = (BigInt(number) << 16n) | (BigInt(pvid ?? 0) << 1n) | filters;
    return [[device], (slots.of(device) << 24n) | low];
  });
}

/** The slot of the bridge's own device, which functions do not get. */
export function hostEntry(number: number, { place, ifindex }: BridgeState, slots: Slots): Entry {
  return [[BigInt(number)], slots.of(deviceKey(place.inode, ifindex))];
}

const LOCAL = 2n;

/** Entries of single hosts; groups are none. */
export function fdbEntries(
  number: number,
  { place }: Pick<BridgeState, "place">,
  entries: Iterable<FdbEntry>,
  slots: Slots,
): Entry[] {
  const unicast = [...entries].filter(
    ({ address }) => (Number.parseInt(address.slice(0, 2), 16) & 1) === 0,
  );
  return unicast.map(({ address, vlan, local, port }) => [
    [(BigInt(number) << 60n) | (BigInt(vlan) << 48n) | macInteger(address)],
    local ? LOCAL : (slots.of(deviceKey(place.inode, port)) << 2n) | 1n,
  ]);
}
