/** Keys and values of @ports and @fdb, which live.bt and watch.bt share. */
import { macInteger } from "../text/mac-address.ts";
import type { BridgeState, FdbEntry } from "./state.ts";

type Entry = [key: bigint[], value: bigint];

/** A device: the inode number of its namespace, and its ifindex there. */
export function deviceKey(inode: number, ifindex: number): bigint {
  return (BigInt(inode) << 32n) | BigInt(ifindex);
}

/** The bridge's own device and its ports; `number` is what the program calls the bridge, from 1 on. */
export function portEntries(number: number, state: BridgeState): Entry[] {
  const filters = state.vlanFiltering ? 1n : 0n;
  return [state, ...state.ports].map(({ ifindex, pvid }) => [
    [deviceKey(state.place.inode, ifindex)],
    (BigInt(number) << 16n) | (BigInt(pvid ?? 0) << 1n) | filters,
  ]);
}

const LOCAL = 2n;

/** Entries of single hosts; groups are none. */
export function fdbEntries(number: number, entries: Iterable<FdbEntry>): Entry[] {
  const unicast = [...entries].filter(
    ({ address }) => (Number.parseInt(address.slice(0, 2), 16) & 1) === 0,
  );
  return unicast.map(({ address, vlan, local, port }) => [
    [BigInt(number), (BigInt(vlan) << 48n) | macInteger(address)],
    local ? LOCAL : (BigInt(port) << 2n) | 1n,
  ]);
}
