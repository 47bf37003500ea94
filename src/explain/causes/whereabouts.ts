/** Where an address lives, as far as the other ends of the ports, and what sits on them, can be seen. */

import type { BridgeState, Peer, Place, Port, Upper } from "../../bridge/state.ts";
import type { Collected } from "../../live/collect.ts";
import { groupBy } from "../../text/group-by.ts";
import { plural } from "../../text/units.ts";

/** A link behind a port, or on the bridge itself, whose address somebody may send to. */
export interface Home {
  address: string;
  /** Null for the bridge's own device: what sits on that. */
  port: Port | null;
  /** Null where it is not known: behind a VXLAN remote. */
  namespace: Place | null;
  ifindex: number | null;
  /** Of a link that sits on the port's other end, or on the bridge: `macvlan mv0`; null for the other end itself. */
  what: string | null;
}

/** Of each state that was asked for: several causes ask for the same. */
const homesOfStates = new WeakMap<BridgeState, Home[]>();

/** All addresses of single hosts that can be seen: each once behind each port. */
export function allHomes(state: BridgeState): readonly Home[] {
  const homes = homesOfStates.get(state) ?? findHomes(state);
  homesOfStates.set(state, homes);
  return homes;
}

function findHomes(state: BridgeState): Home[] {
  const seen = [
    ...distinct(state.uppers.map((upper) => ofUpper(upper, null))).filter(
      ({ address }) => !isOwn(state, address),
    ),
    ...state.ports.flatMap((port) => distinct(behind(state, port))),
  ];
  const known = new Set(seen.map(({ address }) => address));
  // What a VXLAN device says of an address that is seen here is out of date.
  const far = state.ports.flatMap(remotes).filter(({ address }) => !known.has(address));
  return [...seen, ...far];
}

export function homesOf(state: BridgeState, address: string): Home[] {
  return homesByAddress(state).get(address) ?? [];
}

/** Of each reading, once: each flow that is lost asks for some of thousands. A reading does not change. */
const found = new WeakMap<BridgeState, Map<string, Home[]>>();

/** The same of all addresses. */
export function homesByAddress(state: BridgeState): Map<string, Home[]> {
  const known = found.get(state);
  if (known !== undefined) return known;
  const homes = groupBy(allHomes(state), ({ address }) => address);
  found.set(state, homes);
  return homes;
}

/** Entries of an FDB by address and VLAN; of each list once, which does not change. */
const listed = new WeakMap<readonly object[], Map<string, object[]>>();

export function entriesOf<T extends { address: string; vlan: number }>(
  entries: readonly T[],
  address: string,
  vlan: number,
): readonly T[] {
  let known = listed.get(entries) as Map<string, T[]> | undefined;
  if (known === undefined) {
    known = groupBy(entries, (entry) => `${entry.address} ${entry.vlan}`);
    listed.set(entries, known);
  }
  return known.get(`${address} ${vlan}`) ?? [];
}

/** The one place of an address; undefined where there is none, or more than one. */
export function onlyHome(state: BridgeState, address: string): Home | undefined {
  const [home, ...more] = homesOf(state, address);
  return more.length === 0 ? home : undefined;
}

/**
 * Ports behind which may be anybody: the other end is not seen (physical, tun, VXLAN, …), or is a port of another switch.
 */
export function openPorts(state: BridgeState): Port[] {
  return state.ports.filter((port) => isOpen(state, port));
}

export function isOpen(state: BridgeState, { peer }: Port): boolean {
  return peer === null || switches(state, peer);
}

/** ` (behind pa, pb may be others)`, or nothing where every port's other end is seen. */
export function othersBehind(state: BridgeState): string {
  const names = openPorts(state).map(({ name }) => name);
  if (names.length === 0) return "";
  const shown =
    names.length > 4 ? [...names.slice(0, 4), plural(names.length - 4, "more port")] : names;
  return ` (behind ${shown.join(", ")} may be others)`;
}

/** `port pa (container web)`. */
export function portPhrase(port: Port): string {
  return port.owner === null ? `port ${port.name}` : `port ${port.name} (${port.owner.label})`;
}

/** `port pa (container web): macvlan mv0`. */
export function homePhrase(state: BridgeState, { port, what }: Home): string {
  const where = port === null ? `the bridge device ${state.name} itself` : portPhrase(port);
  return what === null ? where : `${where}: ${what}`;
}

/** The bridge's own address, or one of its ports': frames for it are the host's. */
export function isOwn(state: BridgeState, address: string): boolean {
  return address === state.address || state.ports.some((port) => port.address === address);
}

/**
 * Addresses that belong to whoever is the master at the time: VRRP and CARP (RFC 9568, 7.3), HSRP of both versions, GLBP.
 * In words, or null for any other.
 */
export function virtualAddress(address: string): string | null {
  const kinds: [RegExp, string][] = [
    [/^00:00:5e:00:0[12]:/, "a virtual router (VRRP or CARP)"],
    [/^00:00:0c:(?:07:ac|9f:f.):|^00:05:73:a0:0.:/, "a virtual router (HSRP)"],
    [/^00:07:b4:0[0-3]:/, "a virtual router (GLBP)"],
  ];
  return kinds.find(([pattern]) => pattern.test(address))?.[1] ?? null;
}

/** A port by which frames of an address came in while this was looking, where exactly one did. */
export function heardAt(state: BridgeState, { flows }: Collected, address: string): Port | null {
  const ports = new Set(flows.filter(({ source }) => source === address).map(({ port }) => port));
  const [only, ...more] = state.ports.filter(({ ifindex }) => ports.has(ifindex));
  return only !== undefined && more.length === 0 ? only : null;
}

function behind(state: BridgeState, port: Port): Home[] {
  const { peer } = port;
  if (peer === null) return [];
  const uppers = uppersOf(state, peer);
  const sits = (address: string): Home[] => [
    {
      address,
      port,
      namespace: peer.namespace,
      ifindex: peer.ifindex,
      what: `taken by ${peer.name}`,
    },
  ];
  return [
    {
      ...{ address: peer.address, port, namespace: peer.namespace },
      ifindex: peer.ifindex,
      what: null,
    },
    ...uppers.map((upper) => ofUpper(upper, port)),
    ...peer.filter.flatMap(sits),
  ];
}

/** What sits on a port's other end, without this bridge, of which it can be a port as well. */
function uppersOf(state: BridgeState, { uppers }: Peer): Upper[] {
  const own = new Set([state.ifindex, ...state.uppers.map(({ ifindex }) => ifindex)]);
  return uppers.filter(
    ({ namespace, ifindex }) => namespace.inode !== state.place.inode || !own.has(ifindex),
  );
}

/** An enslaved end whose master is a bond or the like is still one host's; what is no link that was seen may be a switch. */
function switches({ place, ifindex }: BridgeState, { namespace, master, uppers }: Peer): boolean {
  const inner = uppers.some(({ kind }) => ["bridge", "openvswitch"].includes(kind));
  if (inner) return true;
  if (master === null) return false;
  if (namespace.inode === place.inode && master === ifindex) return true;
  return !uppers.some((one) => one.namespace.inode === namespace.inode && one.ifindex === master);
}

function ofUpper({ namespace, ifindex, kind, name, address }: Upper, port: Port | null): Home {
  return { address, port, namespace, ifindex, what: `${kind} ${name}` };
}

function remotes(port: Port): Home[] {
  const { vxlan } = port;
  return (vxlan?.remotes ?? [])
    .filter(({ address }) => address !== "00:00:00:00:00:00")
    .map(({ address, ip }) => {
      const what = `${port.name} has it at ${ip === null ? "a nexthop object" : `the remote ${ip}`}`;
      return { ...{ address, port, namespace: null, ifindex: null }, what };
    });
}

/** The first of each address: the other end itself before what sits on it. */
function distinct(homes: readonly Home[]): Home[] {
  const seen = new Set<string>();
  return homes.filter(({ address }) => {
    if (address === "" || seen.has(address)) return false;
    seen.add(address);
    return true;
  });
}
