/** A bridge with all that netlink tells of it; nothing is changed, and no process is started. */
import { BridgescopeError } from "../system/errors.ts";
import { SystemCallError } from "../system/libc.ts";
import { dumpFdb, type NeighbourMessage } from "../system/neighbours.ts";
import { withDumpSocket } from "../system/netlink-dump.ts";
import { printable } from "../text/printable.ts";
import { bridgeOptions, portFlags } from "./bridge-options.ts";
import type { NameCache } from "./containers.ts";
import { entryOf } from "./fdb.ts";
import { dumpLinks, type Link } from "./links.ts";
import { neighboursOf } from "./neighbours.ts";
import { ownersOf, tapOwners } from "./owner.ts";
import { type NamespaceView, resolveNamespaces, viewNamespace } from "./peers.ts";
import { atPlace, type KnownPlace, listPlaces, plainPlace } from "./places.ts";
import type { BridgeState, Peer, Place, Port } from "./state.ts";
import { readVlans } from "./vlans.ts";

/** Most namespaces of peers that are looked into; each takes about half a millisecond. */
const MOST_PEERS = 2048;

/** What the bridge's own namespace says. */
interface Raw {
  device: Link;
  enslaved: Link[];
  options: BridgeState["options"];
  entries: NeighbourMessage[];
  /** By ifindex; empty where VLANs are not filtered. */
  vlans: Map<number, Port["vlans"]>;
  /** Namespaces of peers by the number that this namespace gives them. */
  peers: Map<number, KnownPlace>;
}

/**
 * `bridge` is a name, or an ifindex, which stays when a bridge is renamed; `names` keeps what container runtimes
 * said, for the next reading. Rejected with a BridgeGoneError where the bridge is gone.
 */
export async function readBridge(
  place: Place,
  bridge: string | number,
  names: NameCache = new Map(),
): Promise<BridgeState> {
  const places = listPlaces();
  const raw = whileDevicesGo(() =>
    atPlace(place, (namespace) => withDumpSocket(namespace, (fd) => readRaw(fd, bridge, places))),
  );
  if (raw === null) {
    const said = typeof bridge === "number" ? `with ifindex ${bridge}` : `"${printable(bridge)}"`;
    throw new BridgeGoneError(
      `the bridge ${said} is no longer there: looked in the network namespace ${printable(place.label)}`,
    );
  }
  const { device, enslaved, options, vlans } = raw;
  const filters = options.vlan_filtering === 1;
  const number = (name: string) => (typeof options[name] === "number" ? options[name] : null);
  const views = viewsOf([...raw.peers.values()]);
  const own = views.get(place.inode) ?? viewNamespace(known(place, places));
  if (own !== null) views.set(place.inode, own);
  const peers = new Map(enslaved.map((link) => [link.ifindex, peerOf(link, raw, own, views)]));
  const homes = new Set([...peers.values()].map((peer) => peer?.namespace.inode));
  const owners = await ownersOf(
    places.filter(({ inode }) => homes.has(inode)),
    names,
  );
  const taps = tapOwners(new Set(enslaved.filter(({ kind }) => kind === "tun").map(nameOf)));
  const ports = enslaved.map((link): Port => {
    const peer = peers.get(link.ifindex) ?? null;
    return {
      name: link.name,
      ifindex: link.ifindex,
      address: link.address,
      kind: link.kind,
      mtu: link.mtu,
      up: link.up,
      carrier: link.carrier,
      ...portFlags(link.slaveData),
      promiscuity: link.promiscuity,
      pvid: pvidOf(filters, vlans.get(link.ifindex)),
      vlans: vlans.get(link.ifindex) ?? [],
      counters: link.counters,
      peer,
      vxlan: null,
      owner: (peer === null ? taps.get(link.name) : owners.get(peer.namespace.inode)) ?? null,
    };
  });
  return {
    name: device.name,
    ifindex: device.ifindex,
    place: plainPlace(place),
    address: device.address,
    up: device.up,
    promiscuity: device.promiscuity,
    ageingMs: (number("ageing_time") ?? 30_000) * 10,
    stp: (number("stp_state") ?? 0) !== 0,
    forwardDelayS: (number("forward_delay") ?? 1500) / 100,
    topologyChange: options.topology_change === 1,
    mcastSnooping: options.mcast_snooping === 1,
    mcastQuerier: options.mcast_querier === 1,
    vlanFiltering: filters,
    pvid: pvidOf(filters, vlans.get(device.ifindex)),
    learned: number("fdb_n_learned"),
    maxLearned: number("fdb_max_learned"),
    options,
    counters: device.counters,
    addresses: own?.addresses.get(device.ifindex) ?? [],
    uppers: [],
    formerAddresses: [],
    multicast: { members: [], routers: [], querier: undefined },
    ports,
    entries: raw.entries.map(entryOf),
    neighbours: [...views.values()].flatMap(neighboursOf),
  };
}

/** It was there when it was looked for: nobody has named the wrong one. */
export class BridgeGoneError extends BridgescopeError {}

/** More often in a row no device goes between two questions about it. */
const ATTEMPTS = 10;

/** Reads again where the kernel no longer knew (ENODEV) what it had just told of. */
function whileDevicesGo<T>(read: () => T): T {
  for (let attempt = 1; ; attempt++) {
    try {
      return read();
    } catch (error) {
      const went = error instanceof SystemCallError && error.code === "ENODEV";
      if (!went || attempt === ATTEMPTS) throw error;
    }
  }
}

/** What is said where a bridge goes while it is looked at. */
export function bridgeGone(name: string): string {
  return `the bridge "${name}" was deleted, or its network namespace is gone`;
}

/** Null where there is no such bridge. */
function readRaw(fd: number, bridge: string | number, places: KnownPlace[]): Raw | null {
  const links = dumpLinks(fd);
  const device = links.find(
    ({ kind, name, ifindex }) => kind === "bridge" && (name === bridge || ifindex === bridge),
  );
  if (device === undefined) return null;
  const enslaved = links.filter((link) => link.master === device.ifindex);
  const options = bridgeOptions(device.data);
  const numbers = new Set(
    enslaved.flatMap(({ kind, linkNetnsid }) =>
      kind === "veth" && linkNetnsid !== null ? [linkNetnsid] : [],
    ),
  );
  return {
    device,
    enslaved,
    options,
    entries: dumpFdb(fd, device.ifindex),
    vlans: options.vlan_filtering === 1 ? readVlans(fd) : new Map(),
    peers: resolveNamespaces(fd, numbers, places),
  };
}

function viewsOf(places: readonly KnownPlace[]): Map<number, NamespaceView> {
  const views = new Map<number, NamespaceView>();
  for (const place of places.slice(0, MOST_PEERS)) {
    const view = viewNamespace(place);
    if (view !== null) views.set(place.inode, view);
  }
  return views;
}

function known(place: Place, places: readonly KnownPlace[]): KnownPlace {
  const found = places.find(({ inode }) => inode === place.inode);
  return found ?? { ...place, pid: null, netns: null };
}

function peerOf(
  { kind, link, linkNetnsid }: Link,
  raw: Raw,
  own: NamespaceView | null,
  views: ReadonlyMap<number, NamespaceView>,
): Peer | null {
  if (kind !== "veth" || link === null) return null;
  const view = linkNetnsid === null ? own : views.get(raw.peers.get(linkNetnsid)?.inode ?? -1);
  const end = view?.links.find(({ ifindex }) => ifindex === link);
  if (!view || end === undefined) return null;
  return {
    namespace: plainPlace(view.place),
    name: end.name,
    ifindex: end.ifindex,
    address: end.address,
    master: end.master,
    addresses: view.addresses.get(end.ifindex) ?? [],
    uppers: [],
    filter: [],
  };
}

function pvidOf(filters: boolean, vlans: Port["vlans"] = []): number | null {
  return filters ? (vlans.find(({ pvid }) => pvid)?.vid ?? null) : 0;
}

function nameOf({ name }: Link): string {
  return name;
}
