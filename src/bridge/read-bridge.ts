/** A bridge, or all of a namespace, with all that netlink tells of them; nothing is changed, and no process is started. */
import { readFileSync } from "node:fs";
import { BridgescopeError } from "../system/errors.ts";
import { SystemCallError } from "../system/libc.ts";
import { dumpFdb, type NeighbourMessage, NTF } from "../system/neighbours.ts";
import { withDumpSocket } from "../system/netlink-dump.ts";
import { groupBy } from "../text/group-by.ts";
import { printable } from "../text/printable.ts";
import { bridgeOptions, portFlags } from "./bridge-options.ts";
import type { NameCache } from "./containers.ts";
import { entriesOf } from "./fdb.ts";
import type { Link } from "./links.ts";
import { dumpMdb, multicastOf } from "./multicast.ts";
import { neighboursOf } from "./neighbours.ts";
import { netfilterCalls, readHanding } from "./netfilter.ts";
import { ownersOf, tapOwners } from "./owner.ts";
import {
  type NamespaceView,
  readFilters,
  resolveNamespaces,
  takenBy,
  viewNamespace,
  viewThrough,
} from "./peers.ts";
import { atPlace, type KnownPlace, listPlaces, plainPlace } from "./places.ts";
import { readStacking, type StackedLink } from "./stacking.ts";
import type {
  BridgeState,
  MulticastState,
  Neighbour,
  NetfilterCalls,
  Owner,
  Peer,
  Place,
  Port,
  Upper,
} from "./state.ts";
import { readVlans } from "./vlans.ts";
import { routedVxlans, vxlanDeviceOf, vxlanOf } from "./vxlan.ts";

/** Most namespaces that are looked into; each takes about half a millisecond. */
const MOST_PLACES = 2048;

/** A bridge as its namespace says. */
interface RawBridge {
  device: Link;
  enslaved: Link[];
  options: BridgeState["options"];
  multicast: MulticastState;
}

/** What a namespace says of its bridges, or of the one that was asked for. */
interface Raw {
  own: NamespaceView;
  bridges: RawBridge[];
  /** All bridges were asked for. */
  all: boolean;
  /** Of these bridges' tables, and of their ports' own; then of all devices. */
  entries: NeighbourMessage[];
  /** By ifindex; empty where no bridge filters VLANs. */
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
      const raw = withDumpSocket(namespace, (fd) => readRaw(fd, home, places, bridge));
      return raw && { ...raw, handing: readHanding(namespace) };
    }),
  );
  const [state] = raw === null ? [] : await statesOf(home, raw, places, names);
  if (state === undefined) {
    const said = typeof bridge === "number" ? `with ifindex ${bridge}` : `"${printable(bridge)}"`;
    throw new BridgeGoneError(
      `the bridge ${said} is no longer there: looked in the network namespace ${printable(place.label)}`,
    );
  }
  return state;
}

/** All bridges of a namespace, and its devices. */
export interface NamespaceState {
  bridges: BridgeState[];
  links: Link[];
}

/**
 * The bridges of a namespace in one go: each table is read once, however many there are. Other namespaces, and so the other
 * ends of ports, who is behind them and what sits on them, are looked into only where `peers` says so; of the namespace's
 * own there is what can be seen from within it, for which no privilege is needed. `peersOf` is the name of the bridge whose
 * ports alone are followed. Null where the namespace is gone.
 */
export async function readBridges(
  place: Place,
  { peers, peersOf }: { peers: boolean; peersOf?: string | undefined },
): Promise<NamespaceState | null> {
  const places = peers ? listPlaces() : [];
  const home = known(place, places);
  if (!places.includes(home)) places.push(home);
  const raw = whileDevicesGo(() =>
    atPlace(place, (namespace) => {
      const raw = withDumpSocket(namespace, (fd) => readRaw(fd, home, places, undefined, peersOf));
      return raw && { ...raw, handing: readHanding(namespace) };
    }),
  );
  if (raw === null) return null;
  const bridges = await statesOf(home, raw, places, peers ? new Map() : null);
  return { bridges, links: raw.own.links };
}

/** `names` is null where nobody is to be looked for. */
async function statesOf(
  home: KnownPlace,
  raw: Raw & { handing: NetfilterCalls["sysctls"] | null },
  places: readonly KnownPlace[],
  names: NameCache | null,
): Promise<BridgeState[]> {
  const place = plainPlace(home);
  const views = viewsOf(peersOf(raw));
  const own = raw.own;
  views.set(place.inode, own);
  const underlayOf = underlays(raw, views);
  const enslaved = raw.bridges.flatMap((bridge) => bridge.enslaved);
  const endOf = endsIn(raw, views);
  const ends = new Map(enslaved.map((link) => [link.ifindex, endOf(link)]));
  const uppers = uppersIn(places, views);
  const selves = selfEntries(raw.entries);
  const filters = filtersOf([...ends.values()], raw.all ? { place, selves } : null);
  const homes = new Set([...ends.values()].map((end) => end?.view.place.inode));
  const owners =
    names === null
      ? new Map<number, Owner>()
      : await ownersOf(
          places.filter(({ inode }) => homes.has(inode)),
          names,
        );
  const taps =
    names === null
      ? new Map<string, Owner>()
      : tapOwners(new Set(enslaved.filter(({ kind }) => kind === "tun").map(nameOf)));
  const tables = groupBy(raw.entries, ({ master }) => master);
  const { vlans } = raw;
  const vxlans = raw.routed.flatMap(
    ({ link, entries }) => vxlanDeviceOf(link, entries, underlayOf(link)) ?? [],
  );
  const maxBacklog = readMaxBacklog();
  const neighbours: Neighbour[] = [];
  const states = raw.bridges.map(({ device, enslaved, options, multicast }): BridgeState => {
    const filtering = options.vlan_filtering === 1;
    const number = (name: string) => (typeof options[name] === "number" ? options[name] : null);
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
        vxlan: vxlanOf(link, selves.get(link.ifindex) ?? [], underlayOf(link)),
        owner: (end === null ? taps.get(link.name) : owners.get(end.view.place.inode)) ?? null,
      };
    });
    return {
      name: device.name,
      ifindex: device.ifindex,
      place,
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
      addresses: own.addresses.get(device.ifindex) ?? [],
      uppers: uppers(place.inode, device.ifindex),
      formerAddresses: [],
      multicast,
      ports,
      vxlans,
      entries: entriesOf(device.ifindex, tables.get(device.ifindex) ?? []),
      neighbours,
      netfilterCalls: raw.handing && netfilterCalls(raw.handing, options),
      filters: null,
      maxBacklog,
    };
  });
  // What sits on the ends was found meanwhile, in further namespaces.
  for (const view of views.values()) neighbours.push(...neighboursOf(view));
  return states;
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

/** Without `bridge` all of them, and of `only` the other ends of the ports are looked for. */
function readRaw(
  fd: number,
  home: KnownPlace,
  places: KnownPlace[],
  bridge?: string | number,
  only?: string,
): Raw {
  const own = viewThrough(fd, home);
  const devices = own.links.filter(
    ({ kind, name, ifindex }) =>
      kind === "bridge" && (bridge === undefined || name === bridge || ifindex === bridge),
  );
  const [device] = devices;
  const all = bridge === undefined;
  // 0 stands for all.
  const asked = all ? 0 : (device?.ifindex ?? 0);
  const byMaster = groupBy(own.links, ({ master }) => master);
  const optionsOf = new Map(devices.map((one) => [one.ifindex, bridgeOptions(one.data)]));
  const some = (test: (options: BridgeState["options"]) => boolean) =>
    [...optionsOf.values()].some(test);
  const mdb = some(({ mcast_snooping: known }) => known !== undefined)
    ? dumpMdb(fd, asked)
    : new Map();
  const bridges = devices.map((one): RawBridge => {
    const [enslaved, options] = [byMaster.get(one.ifindex) ?? [], optionsOf.get(one.ifindex) ?? {}];
    const multicast = multicastOf(one, enslaved, options, mdb.get(one.ifindex));
    return { device: one, enslaved, options, multicast };
  });
  const entries = devices.length === 0 && !all ? [] : dumpFdb(fd, asked);
  const selves = all ? selfEntries(entries) : null;
  const routed = routedVxlans(own.links, ({ ifindex }) =>
    selves === null ? dumpFdb(fd, 0, ifindex) : (selves.get(ifindex) ?? []),
  );
  const followed = bridges
    .filter(({ device: one }) => only === undefined || one.name === only)
    .flatMap(({ enslaved }) => enslaved);
  const numbers = new Set(
    [...followed, ...routed.map(({ link }) => link)].flatMap(({ kind, linkNetnsid }) =>
      ["veth", "vxlan"].includes(kind) && linkNetnsid !== null ? [linkNetnsid] : [],
    ),
  );
  return {
    ...{ own, bridges, all, entries, routed },
    vlans: some(({ vlan_filtering: on }) => on === 1) ? readVlans(fd) : new Map(),
    places: resolveNamespaces(fd, numbers, places),
  };
}

/** The namespaces of the other ends of veth ports. */
function peersOf({ bridges, places }: Raw): KnownPlace[] {
  const peers = bridges
    .flatMap(({ enslaved }) => enslaved)
    .flatMap(({ kind, linkNetnsid }) =>
      kind === "veth" && linkNetnsid !== null ? (places.get(linkNetnsid) ?? []) : [],
    );
  return [...new Set(peers)];
}

/**
 * Of a VXLAN device: the namespace that it was made in. It is not among the views, for its neighbours are on another wire
 * than the bridge's.
 */
function underlays(
  { places, own }: Raw,
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

/** Finds the other end of a port; null where that cannot be seen. */
function endsIn(raw: Raw, views: ReadonlyMap<number, NamespaceView>): (port: Link) => End | null {
  const indexes = new Map<NamespaceView, Map<number, Link>>();
  return ({ kind, link: ifindex, linkNetnsid }) => {
    if (kind !== "veth" || ifindex === null) return null;
    const view =
      linkNetnsid === null ? raw.own : views.get(raw.places.get(linkNetnsid)?.inode ?? -1);
    if (view === undefined) return null;
    const index =
      indexes.get(view) ?? new Map(view.links.map((one) => [one.ifindex, one] as const));
    indexes.set(view, index);
    const link = index.get(ifindex);
    return link === undefined ? null : { view, link };
  };
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

/** `read` has what is known already of one namespace. */
function filtersOf(
  ends: readonly (End | null)[],
  read: { place: Place; selves: ReadonlyMap<number, NeighbourMessage[]> } | null,
): Filters {
  const byPlace = new Map<number, { place: Place; links: Link[] }>();
  for (const end of ends) {
    if (end === null) continue;
    const { place } = end.view;
    const known = byPlace.get(place.inode) ?? { place, links: [] };
    known.links.push(end.link);
    byPlace.set(place.inode, known);
  }
  return new Map(
    [...byPlace].map(([inode, { place, links }]) => [
      inode,
      inode === read?.place.inode
        ? new Map(
            links.map((link) => [link.ifindex, takenBy(link, read.selves.get(link.ifindex) ?? [])]),
          )
        : readFilters(place, links),
    ]),
  );
}

/** Entries of devices' own tables, by device. */
function selfEntries(entries: readonly NeighbourMessage[]): Map<number, NeighbourMessage[]> {
  const selves = entries.filter(({ flags }) => (flags & NTF.self) !== 0);
  return groupBy(selves, ({ ifindex }) => ifindex);
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
