/** The ports, entries and own addresses of a bridge while it is looked at; the program is told of them as netlink tells. */

import { bridgeOptions } from "../bridge/bridge-options.ts";
import { entriesAt, entryOf } from "../bridge/fdb.ts";
import { dumpLinks, type Link } from "../bridge/links.ts";
import { atPlace } from "../bridge/places.ts";
import type { BridgeState, FdbEntry, Port } from "../bridge/state.ts";
import { readVlans } from "../bridge/vlans.ts";
import type { ProbeMaps } from "../probes/maps.ts";
import { type NeighbourMessage, openNeighbourFeed } from "../system/neighbours.ts";
import { withDumpSocket } from "../system/netlink-dump.ts";
import {
  createSlots,
  deviceKey,
  fdbEntries,
  hostEntry,
  joinedEntry,
  LIVE_SLOTS,
  portEntries,
  unicast,
} from "./program-keys.ts";

export interface Home {
  address: string;
  vlan: number;
  /** Ifindex. */
  port: number;
  /** An address of the bridge's own or a port's. */
  local: boolean;
}

export interface Membership {
  /** Takes what netlink has told since the last call. False where the bridge is gone. */
  follow(): boolean;
  /** The same, and asks whether the bridge is there and what its FDB holds, whatever netlink has told. */
  check(): boolean;
  /** Ifindex of a slot's device; 0 for a port that joined and of which nothing tells which it was. */
  portOf(slot: bigint): number;
  /** Every entry that the FDB has had, from the first to the last. */
  homes(): Home[];
  /** Ports that joined, those that have left again included. */
  joined(): ReadonlySet<number>;
  /** What the bridge is called, and was. */
  names(): ReadonlySet<string>;
  /** Addresses that the bridge device has had, from the first to the last. */
  ownAddresses(): string[];
  close(): void;
}

/** Beyond, those are forgotten of which nobody has heard for longest: a host can send from any number of addresses. */
const MOST_HOMES = 131_072;
/** The only one that the program looks at. */
const BRIDGE = 1;

/** Entries of the maps @ports, @joined, @host and @fdb are written from now on. */
export function followMembers(state: BridgeState, maps: ProbeMaps): Membership {
  const { place } = state;
  const slots = createSlots(LIVE_SLOTS);
  const feed = atPlace(place, openNeighbourFeed);
  const mirrors = maps.has("fdb");
  const homes = new Map<string, Home>();
  const own = new Set([state.address]);
  const names = new Set([state.name]);
  const first = new Set(state.ports.map(({ ifindex }) => ifindex));
  const joined = new Set<number>();
  /** Those that are ports now, and who had an ifindex last. */
  let members = new Set(first);
  const holders = new Map<number, Pick<Link, "name" | "address">>(
    state.ports.map((port) => [port.ifindex, port]),
  );
  /** Netlink has told of entries since the FDB was read. */
  let stale = true;

  const remember = (entries: readonly FdbEntry[]) => {
    for (const { address, vlan, port, local } of unicast(entries)) {
      const home = { address, vlan, port, local };
      const key = Object.values(home).join();
      // The last that came stands last.
      homes.delete(key);
      homes.set(key, home);
      // It may have left again before anybody looked.
      if (!local && !first.has(port) && port !== state.ifindex) joined.add(port);
      if (homes.size <= MOST_HOMES) continue;
      const [oldest = ""] = homes.keys();
      homes.delete(oldest);
    }
  };
  const mirror = (entries: readonly FdbEntry[]) => {
    if (mirrors) maps.set("fdb", fdbEntries(BRIDGE, state, entries, slots));
  };
  const keep = (entries: readonly FdbEntry[]) => {
    remember(entries);
    mirror(entries);
  };
  /** The other ends of its ports; of a port that joined later nobody has looked for one. */
  const peers = new Map(
    state.ports.flatMap(({ ifindex, peer }) =>
      peer === null ? [] : [[ifindex, deviceKey(peer.namespace.inode, peer.ifindex)] as const],
    ),
  );
  const forgetPeer = (port: number) => {
    const peer = peers.get(port);
    if (peer !== undefined) maps.set("peers", [[[peer], 0n]]);
    peers.delete(port);
  };
  const tell = (now: Parameters<typeof portEntries>[1], options: BridgeState["options"]) => {
    const gone = [...members].filter((port) => !now.ports.some(({ ifindex }) => ifindex === port));
    for (const port of gone) forgetPeer(port);
    maps.set("ports", [
      ...gone.map((port) => [[deviceKey(place.inode, port)], 0n] as const),
      ...portEntries(BRIDGE, now, slots),
    ]);
    maps.set("joined", [joinedEntry(BRIDGE, slots.rest, options)]);
  };
  /** Null where the bridge is gone. */
  const readLinksOf = (fd: number) => {
    const all = dumpLinks(fd);
    const device = all.find(({ ifindex, kind }) => ifindex === state.ifindex && kind === "bridge");
    if (device === undefined) return null;
    const options = bridgeOptions(device.data);
    const filters = options.vlan_filtering === 1;
    const vlans: ReturnType<typeof readVlans> = filters ? readVlans(fd) : new Map();
    const links = all.filter(({ master }) => master === state.ifindex);
    return { device, links, filters, vlans, options };
  };
  const readMembers = (): boolean => {
    const read = atPlace(place, (namespace) => withDumpSocket(namespace, readLinksOf));
    if (read === null) return false;
    const { device, links, filters, vlans, options } = read;
    own.add(device.address);
    names.add(device.name);
    const pvid = ({ ifindex }: Link) => (filters ? pvidOf(vlans.get(ifindex)) : 0);
    for (const link of links) {
      const { ifindex, name, address } = link;
      const holder = holders.get(ifindex);
      const another =
        holder !== undefined &&
        holder.address !== address &&
        (holder.name !== name || !members.has(ifindex));
      // What was counted of its namesake is nobody's who is there now.
      if (another) {
        slots.forget(deviceKey(place.inode, ifindex));
        forgetPeer(ifindex);
      }
      if (another || !first.has(ifindex)) joined.add(ifindex);
      holders.set(ifindex, { name, address });
    }
    const ports = links.map((link) => ({ ifindex: link.ifindex, pvid: pvid(link) }));
    const now = { ...{ place, ifindex: state.ifindex, pvid: pvid(device) }, ports };
    tell({ ...now, vlanFiltering: filters }, options);
    members = new Set(links.map(({ ifindex }) => ifindex));
    return true;
  };
  const follow = (): boolean => {
    if (feed === null) return false;
    const { messages, links, overrun } = feed.read();
    const there = links || overrun ? readMembers() : true;
    const told = messages.filter(
      ({ family, master }) => family === "fdb" && master === state.ifindex,
    );
    if (told.length > 0 || overrun) stale = true;
    remember(told.filter(({ deleted }) => !deleted).map(entryOf));
    // One that was deleted since is none to be written; fdb_delete tells the program of it.
    mirror(lastOf(told).map(entryOf));
    return there;
  };
  const readEntries = () => {
    if (!stale) return;
    stale = false;
    keep(entriesAt(place, state.ifindex));
  };
  keep(state.entries);
  tell(state, state.options);
  maps.set(
    "peers",
    [...peers].map(([port, peer]) => [[peer], slots.of(deviceKey(place.inode, port))]),
  );
  if (maps.has("host")) maps.set("host", [hostEntry(BRIDGE, state, slots)]);
  return {
    follow,
    check: () => {
      const there = follow() && readMembers();
      if (there) readEntries();
      return there;
    },
    portOf: (slot) => Number((slots.device(slot) ?? 0n) & 0xffffffffn),
    homes: () => [...homes.values()],
    joined: () => joined,
    names: () => names,
    ownAddresses: () => [...own],
    close: () => feed?.close(),
  };
}

/** Of each entry what was told of it last, unless it was deleted. */
function lastOf(messages: readonly NeighbourMessage[]): NeighbourMessage[] {
  const last = new Map<string, NeighbourMessage>();
  for (const message of messages) last.set(`${message.address} ${message.vlan}`, message);
  return [...last.values()].filter(({ deleted }) => !deleted);
}

function pvidOf(vlans: Port["vlans"] = []): number | null {
  return vlans.find(({ pvid }) => pvid)?.vid ?? null;
}
