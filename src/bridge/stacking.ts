/** Which links sit on which, in all namespaces: a child of a device can live far from it. */
import {
  addressAttribute,
  ask,
  attributesOf,
  textAttribute,
  withDumpSocket,
} from "../system/netlink-dump.ts";
import { LINK_HEADER, RTM_GETLINK } from "../system/uapi.ts";
import { IFLA, type Link, readLinks } from "./links.ts";
import { type NamespaceView, resolveNamespaces } from "./peers.ts";
import { atPlace, type KnownPlace } from "./places.ts";

const IFLA_TARGET_NETNSID = 46;

/**
 * Their IFLA_LINK is the other end, or the device that their outer packets leave by: frames for their addresses do not
 * go the way of that.
 */
const NOT_STACKED = new Set([
  ..."veth netkit vxlan geneve amt xfrm vti vti6 ipip sit ip6tnl".split(" "),
  ..."gre gretap erspan ip6gre ip6gretap ip6erspan".split(" "),
]);

export interface StackedLink {
  place: KnownPlace;
  link: Link;
}

/** The links that sit on one, and on those, and so on. */
export type Stacking = (inode: number, ifindex: number) => StackedLink[];

/** Looks into all places; `views` has what was read already. */
export function readStacking(
  places: readonly KnownPlace[],
  views: ReadonlyMap<number, NamespaceView>,
): Stacking {
  const on = new Map<string, StackedLink[]>();
  const put = (inode: number, below: number, above: StackedLink) => {
    const at = key(inode, below);
    on.set(at, [...(on.get(at) ?? []), above]);
  };
  const all = places.map((place) => {
    return { place, links: views.get(place.inode)?.links ?? readLinks(place) };
  });
  const far: StackedLink[] = [];
  for (const { place, links } of all) {
    const byIndex = new Map(links.map((link) => [link.ifindex, link]));
    for (const link of links) {
      const master = byIndex.get(link.master ?? 0);
      if (master !== undefined) put(place.inode, link.ifindex, { place, link: master });
      if (link.link === null || NOT_STACKED.has(link.kind)) continue;
      if (link.linkNetnsid !== null) far.push({ place, link });
      else put(place.inode, link.link, { place, link });
    }
  }
  for (const child of far) {
    const below = homeOfParent(child, all);
    if (below !== null) put(below.inode, child.link.link ?? 0, child);
  }
  return (inode, ifindex) => {
    const found = new Map<string, StackedLink>();
    const pending = [key(inode, ifindex)];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      for (const above of on.get(next) ?? []) {
        const at = key(above.place.inode, above.link.ifindex);
        if (found.has(at) || at === key(inode, ifindex)) continue;
        found.set(at, above);
        pending.push(at);
      }
    }
    return [...found.values()];
  };
}

/** The namespace of the device that a child elsewhere sits on; null where it is none of these. */
function homeOfParent(
  { place, link: { link: ifindex, linkNetnsid } }: StackedLink,
  all: readonly { place: KnownPlace; links: Link[] }[],
): KnownPlace | null {
  if (ifindex === null || linkNetnsid === null) return null;
  const found = atPlace(place, (namespace) =>
    withDumpSocket(namespace, (fd) => {
      // To ask each of hundreds of namespaces for its number takes long, so they must have such a device first.
      const parent = identity(fd, ifindex, linkNetnsid);
      if (parent === null) return null;
      const candidates = all.filter(({ links }) =>
        links.some(
          (link) =>
            link.ifindex === ifindex &&
            link.name === parent.name &&
            link.address === parent.address,
        ),
      );
      const homes = candidates.map((candidate) => candidate.place);
      return resolveNamespaces(fd, new Set([linkNetnsid]), homes).get(linkNetnsid) ?? null;
    }),
  );
  return found ?? null;
}

/** Name and address of a device in the namespace with that number. */
function identity(
  fd: number,
  ifindex: number,
  number: number,
): { name: string; address: string } | null {
  let found: { name: string; address: string } | null = null;
  ask(
    fd,
    RTM_GETLINK,
    (train) => {
      train.linkHeader(ifindex);
      train.number(IFLA_TARGET_NETNSID, number);
    },
    (_, body) => {
      const attributes = attributesOf(body, LINK_HEADER);
      const address = addressAttribute(attributes.get(IFLA.address)) ?? "";
      found = { name: textAttribute(attributes.get(IFLA.name)), address };
    },
  );
  return found;
}

function key(inode: number, ifindex: number): string {
  return `${inode}:${ifindex}`;
}
