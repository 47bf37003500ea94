/** Where the other ends of veth ports are, and what is there. */

import { dumpFdb, dumpNeighbours, type NeighbourMessage, NTF } from "../system/neighbours.ts";
import { ask, attributesOf, withDumpSocket } from "../system/netlink-dump.ts";
import type { NetworkNamespace } from "../system/netns.ts";
import { dumpAddresses } from "./addresses.ts";
import { readJoined } from "./joined.ts";
import { dumpLinks, type Link } from "./links.ts";
import { atPlace, type KnownPlace } from "./places.ts";
import type { Place } from "./state.ts";

const RTM_GETNSID = 90;
const NETNSA_NSID = 1;
const NETNSA_FD = 3;

/** What a namespace holds. */
export interface NamespaceView {
  place: KnownPlace;
  links: Link[];
  /** IP addresses by ifindex. */
  addresses: Map<number, string[]>;
  /** IP addresses of groups by the ifindex of who has joined them. */
  joined: Map<number, string[]>;
  neighbours: NeighbourMessage[];
}

/** Null where the namespace is gone by now. */
export function viewNamespace(place: KnownPlace): NamespaceView | null {
  return atPlace(place, (namespace) =>
    withDumpSocket(namespace, (fd) => ({
      ...viewThrough(fd, place),
      joined: readJoined(namespace),
    })),
  );
}

/** Through a socket of that namespace: without groups, which are not in netlink. */
export function viewThrough(fd: number, place: KnownPlace): NamespaceView {
  return {
    place,
    links: dumpLinks(fd),
    addresses: addressesOf(fd),
    joined: new Map(),
    neighbours: dumpNeighbours(fd),
  };
}

/** The unicast addresses that devices of a place take besides their own, by ifindex. */
export function readFilters(place: Place, devices: readonly Link[]): Map<number, string[]> {
  const read = (fd: number) =>
    devices.map((device): [number, string[]] => [
      device.ifindex,
      takenBy(device, dumpFdb(fd, 0, device.ifindex)),
    ]);
  return new Map(atPlace(place, (namespace) => withDumpSocket(namespace, read)) ?? []);
}

/** Of a device's own table: the unicast addresses that it takes besides its own. */
export function takenBy({ address }: Link, entries: readonly NeighbourMessage[]): string[] {
  return entries.flatMap((entry) =>
    (entry.flags & NTF.self) !== 0 && isUnicast(entry.address) && entry.address !== address
      ? [entry.address]
      : [],
  );
}

function isUnicast(address: string | null): address is string {
  return address !== null && (Number.parseInt(address.slice(0, 2), 16) & 1) === 0;
}

/** Which of the places the numbers (IFLA_LINK_NETNSID) of the socket's namespace mean. */
export function resolveNamespaces(
  fd: number,
  numbers: ReadonlySet<number>,
  places: readonly KnownPlace[],
): Map<number, KnownPlace> {
  const found = new Map<number, KnownPlace>();
  for (const place of places) {
    if (found.size === numbers.size) break;
    const number = atPlace(place, (other) => numberOf(fd, other));
    if (number !== null && numbers.has(number)) found.set(number, place);
  }
  return found;
}

/** What the socket's namespace calls the other one; -1 where it has no number. */
function numberOf(fd: number, other: NetworkNamespace): number | null {
  let number: number | null = null;
  ask(
    fd,
    RTM_GETNSID,
    (train) => {
      train.bytesOf(Buffer.alloc(4));
      train.number(NETNSA_FD, other.fd);
    },
    (_, body) => {
      number = attributesOf(body, 4).get(NETNSA_NSID)?.readInt32LE() ?? null;
    },
  );
  return number;
}

function addressesOf(fd: number): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const { ifindex, ip } of dumpAddresses(fd)) {
    found.set(ifindex, [...(found.get(ifindex) ?? []), ip]);
  }
  return found;
}
