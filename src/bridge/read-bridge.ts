/** A bridge with all that netlink tells of it; nothing is changed, and no process is started. */
import { readFileSync } from "node:fs";
import { BridgescopeError } from "../system/errors.ts";
import { SystemCallError } from "../system/libc.ts";
import { dumpFdb, type NeighbourMessage } from "../system/neighbours.ts";
import { withDumpSocket } from "../system/netlink-dump.ts";
import { printable } from "../text/printable.ts";
import { bridgeOptions, portFlags } from "./bridge-options.ts";
import type { NameCache } from "./containers.ts";
import { entriesOf } from "./fdb.ts";
import { dumpLinks, type Link } from "./links.ts";
import { readMulticast } from "./multicast.ts";
import { neighboursOf } from "./neighbours.ts";
import { readNetfilterCalls } from "./netfilter.ts";
import { ownersOf, tapOwners } from "./owner.ts";
import { type NamespaceView, readFilters, resolveNamespaces, viewNamespace } from "./peers.ts";
import { atPlace, type KnownPlace, listPlaces, plainPlace } from "./places.ts";
import { readStacking, type StackedLink } from "./stacking.ts";
import type { BridgeState, MulticastState, Peer, Place, Port, Upper } from "./state.ts";
import { readVlans } from "./vlans.ts";
import { routedVxlans, vxlanDeviceOf, vxlanOf } from "./vxlan.ts";

/** Most namespaces that are looked into; each takes about half a millisecond. */
const MOST_PLACES = 2048;

/** What the bridge's own namespace says. */
interface Raw {
  device: Link;
  enslaved: Link[];
  options: BridgeState["options"];
  /** Of the bridge, and of its ports' own tables. */
  entries: NeighbourMessage[];
  multicast: MulticastState;
  /** By ifindex; empty where VLANs are not filtered. */
  vlans: Map<number, Port["vlans"]>;
  /** Namespaces of peers, and of the underlays of VXLAN devices, by the number that this namespace gives them. */
  places: Map<number, KnownPlace>;
  /** VXLAN devices that are no ports, with their own FDBs. */
  routed: { link: Link; entries: NeighbourMessage[] }[];
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
  const home = known(place, places);
  if (!places.includes(home)) places.push(home);
  const raw = whileDevicesGo(() =>
    atPlace(place, (namespace) => {
      const read = withDumpSocket(namespace, (fd) => readRaw(fd, bridge, places));
      return read && { ...read, netfilterCalls: readNetfilterCalls(namespace, read.options) };
    }),
  );
  if (raw === null) {
    const said = typeof bridge === "number" ? `with ifindex ${bridge}` : `"${printable(bridge)}"`;
    throw new BridgeGoneError(
      `the bridge ${said} is no longer there: looked in the network namespace ${printable(place.label)}`,
    );
  }
  const { device, enslaved, options, vlans } = raw;
  const filtering = options.vlan_filtering === 1;
  const number = (name: string) => (typeof options[name] === "number" ? options[name] : null);
  const views = viewsOf(peersOf(raw));
  const own = views.get(place.inode) ?? viewNamespace(home);
  if (own !== null) views.set(place.inode, own);
  const underlayOf = underlays(raw, own, views);
  const ends = new Map(enslaved.map((link) => [link.ifindex, endOf(link, raw, own, views)]));
  const uppers = uppersIn(places, views);
  const filters = filtersOf([...ends.values()]);
  const homes = new Set([...ends.values()].map((end) => end?.view.place.inode));
  const owners = await ownersOf(
    places.filter(({ inode }) => homes.has(inode)),
    names,
  );
  const taps = tapOwners(new Set(enslaved.filter(({ kind }) => kind === "tun").map(nameOf)));
  const ports = enslaved.map((link): Port => {
    const end = ends.get(link.ifindex) ?? null;
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
      pvid: pvidOf(filtering, vlans.get(link.ifindex)),
      vlans: vlans.get(link.ifindex) ?? [],
      counters: link.counters,
      peer: end === null ? null : peerOf(end, uppers, filters),
      vxlan: vxlanOf(link, raw.entries, underlayOf(link)),
      owner: (end === null ? taps.get(link.name) : owners.get(end.view.place.inode)) ?? null,
    };
  });
  return {
    name: device.name,
    ifindex: device.ifindex,
    place: plainPlace(place),
    address: device.address,
    mtu: device.mtu,
    up: device.up,
    promiscuity: device.promiscuity,
    ageingMs: (number("ageing_time") ?? 30_000) * 10,
    stp: (number("stp_state") ?? 0) !== 0,
    forwardDelayS: (number("forward_delay") ?? 1500) / 100,
    topologyChange: options.topology_change === 1,
    mcastSnooping: options.mcast_snooping === 1,
    mcastQuerier: options.mcast_querier === 1,
    vlanFiltering: filtering,
    pvid: pvidOf(filtering, vlans.get(device.ifindex)),
    learned: number("fdb_n_learned"),
    maxLearned: number("fdb_max_learned"),
    options,
    counters: device.counters,
    addresses: own?.addresses.get(device.ifindex) ?? [],
    uppers: uppers(place.inode, device.ifindex),
    formerAddresses: [],
    multicast: raw.multicast,
    ports,
    vxlans: raw.routed.flatMap(
      ({ link, entries }) => vxlanDeviceOf(link, entries, underlayOf(link)) ?? [],
    ),
    entries: entriesOf(device.ifindex, raw.entries),
    neighbours: [...views.values()].flatMap(neighboursOf),
    netfilterCalls: raw.netfilterCalls,
    filters: null,
    maxBacklog: readMaxBacklog(),
  };
}

/** Of the whole host, and often told in its first namespace alone: where this process is, whatever it looks at. */
function readMaxBacklog(): number | null {
  try {
    return Number(readFileSync("/proc/sys/net/core/netdev_max_backlog", "utf8"));
  } catch {
    return null;
  }
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
  const routed = routedVxlans(fd, links);
  const numbers = new Set(
    [...enslaved, ...routed.map(({ link }) => link)].flatMap(({ kind, linkNetnsid }) =>
      ["veth", "vxlan"].includes(kind) && linkNetnsid !== null ? [linkNetnsid] : [],
    ),
  );
  return {
    device,
    enslaved,
    options,
    entries: dumpFdb(fd, device.ifindex),
    multicast: readMulticast(fd, device, enslaved, options),
    vlans: options.vlan_filtering === 1 ? readVlans(fd) : new Map(),
    places: resolveNamespaces(fd, numbers, places),
    routed,
  };
}

/** The namespaces of the other ends of veth ports. */
function peersOf({ enslaved, places }: Raw): KnownPlace[] {
  const peers = enslaved.flatMap(({ kind, linkNetnsid }) =>
    kind === "veth" && linkNetnsid !== null ? (places.get(linkNetnsid) ?? []) : [],
  );
  return [...new Set(peers)];
}

/**
 * Of a VXLAN device: the namespace that it was made in. It is not among the views, for its neighbours are on another wire
 * than the bridge's.
 */
function underlays(
  { places }: Raw,
  own: NamespaceView | null,
  views: ReadonlyMap<number, NamespaceView>,
): (link: Link) => NamespaceView | null {
  const seen = new Map<KnownPlace, NamespaceView | null>();
  return ({ kind, linkNetnsid }) => {
    if (kind !== "vxlan") return null;
    if (linkNetnsid === null) return own;
    const place = places.get(linkNetnsid);
    if (place === undefined) return null;
    if (!seen.has(place)) seen.set(place, views.get(place.inode) ?? viewNamespace(place));
    return seen.get(place) ?? null;
  };
}

function viewsOf(places: readonly KnownPlace[]): Map<number, NamespaceView> {
  const views = new Map<number, NamespaceView>();
  for (const place of places.slice(0, MOST_PLACES)) {
    const view = viewNamespace(place);
    if (view !== null) views.set(place.inode, view);
  }
  return views;
}

function known(place: Place, places: readonly KnownPlace[]): KnownPlace {
  const found = places.find(({ inode }) => inode === place.inode);
  return found ?? { ...place, pid: null, netns: null };
}

/** The other end of a veth port. */
interface End {
  view: NamespaceView;
  link: Link;
}

function endOf(
  { kind, link, linkNetnsid }: Link,
  raw: Raw,
  own: NamespaceView | null,
  views: ReadonlyMap<number, NamespaceView>,
): End | null {
  if (kind !== "veth" || link === null) return null;
  const view = linkNetnsid === null ? own : views.get(raw.places.get(linkNetnsid)?.inode ?? -1);
  const end = view?.links.find(({ ifindex }) => ifindex === link);
  return view && end !== undefined ? { view, link: end } : null;
}

function peerOf({ view, link }: End, uppers: Uppers, filters: Filters): Peer {
  const { inode } = view.place;
  return {
    namespace: plainPlace(view.place),
    name: link.name,
    ifindex: link.ifindex,
    address: link.address,
    mtu: link.mtu,
    up: link.up,
    master: link.master,
    addresses: view.addresses.get(link.ifindex) ?? [],
    uppers: uppers(inode, link.ifindex),
    filter: filters.get(inode)?.get(link.ifindex) ?? [],
    joined: view.joined.get(link.ifindex) ?? [],
  };
}

/** By the namespace's inode and the device's ifindex. */
type Filters = ReadonlyMap<number, ReadonlyMap<number, string[]>>;

function filtersOf(ends: readonly (End | null)[]): Filters {
  const byPlace = new Map<number, { place: Place; links: Link[] }>();
  for (const end of ends) {
    if (end === null) continue;
    const { place } = end.view;
    const known = byPlace.get(place.inode) ?? { place, links: [] };
    known.links.push(end.link);
    byPlace.set(place.inode, known);
  }
  return new Map(
    [...byPlace].map(([inode, { place, links }]) => [inode, readFilters(place, links)]),
  );
}

type Uppers = (inode: number, ifindex: number) => Upper[];

/** Puts views of the namespaces that they are found in among the others. */
function uppersIn(places: readonly KnownPlace[], views: Map<number, NamespaceView>): Uppers {
  const stacking = readStacking(places.slice(0, MOST_PLACES), views);
  return (inode, ifindex) =>
    stacking(inode, ifindex).map(({ place, link }: StackedLink): Upper => {
      const view = views.get(place.inode) ?? viewNamespace(place);
      if (view !== null) views.set(place.inode, view);
      return {
        namespace: plainPlace(place),
        name: link.name,
        ifindex: link.ifindex,
        kind: link.kind,
        address: link.address,
        mtu: link.mtu,
        addresses: view?.addresses.get(link.ifindex) ?? [],
        joined: view?.joined.get(link.ifindex) ?? [],
      };
    });
}

function pvidOf(filters: boolean, vlans: Port["vlans"] = []): number | null {
  return filters ? (vlans.find(({ pvid }) => pvid)?.vid ?? null) : 0;
}

function nameOf({ name }: Link): string {
  return name;
}
