/** Devices of a namespace as rtnetlink shows them. */
import {
  type Attributes,
  addressAttribute,
  attributesOf,
  dump,
  numberAttribute,
  textAttribute,
  withDumpSocket,
} from "../system/netlink-dump.ts";
import { LINK_HEADER, RTM_GETLINK } from "../system/uapi.ts";
import { atPlace } from "./places.ts";
import type { Place, Port } from "./state.ts";

/** IFF_* of linux/if.h. */
export const IFF = { up: 0x1, loopback: 0x8, noArp: 0x80, lowerUp: 0x1_0000 } as const;
export const IFLA = {
  address: 1,
  name: 3,
  mtu: 4,
  link: 5,
  qdisc: 6,
  master: 10,
  operstate: 16,
  linkInfo: 18,
  extMask: 29,
  stats64: 23,
  promiscuity: 30,
  carrier: 33,
  linkNetnsid: 37,
  xdp: 43,
} as const;
const WANTED: ReadonlySet<number> = new Set(Object.values(IFLA));
const RTEXT_FILTER_SKIP_STATS = 8;
const IFLA_XDP_ATTACHED = 2;
const INFO = { kind: 1, data: 2, slaveKind: 4, slaveData: 5 } as const;

/** IF_OPER_*, in their order. */
const OPERSTATES = "UNKNOWN NOTPRESENT DOWN LOWERLAYERDOWN TESTING DORMANT UP".split(" ");

export interface Link {
  ifindex: number;
  name: string;
  address: string;
  mtu: number;
  up: boolean;
  /** IFF_* bits. */
  flags: number;
  /** RFC 2863's, in the words of ip(8). */
  operstate: string;
  qdisc: string;
  /** An XDP program is attached. */
  xdp: boolean;
  carrier: boolean;
  promiscuity: number;
  /** IFLA_INFO_KIND; `device` for a physical one. */
  kind: string;
  master: number | null;
  /** The other end of a veth, or what a stacked device sits on: its ifindex, and which namespace it is in; null for this one. */
  link: number | null;
  linkNetnsid: number | null;
  counters: Port["counters"];
  /** IFLA_INFO_DATA and IFLA_INFO_SLAVE_DATA, copied. */
  data: Attributes;
  slaveKind: string;
  slaveData: Attributes;
}

/** All devices of a place; none where that is gone. */
export function readLinks(place: Place): Link[] {
  return atPlace(place, (namespace) => withDumpSocket(namespace, dumpLinks)) ?? [];
}

/** All devices of the namespace that the socket was opened in. */
export function dumpLinks(fd: number): Link[] {
  const links: Link[] = [];
  dump(
    fd,
    RTM_GETLINK,
    (train) => {
      train.linkHeader(0);
      // Counters of IPv6 would be half of the answer, added up over all CPUs. Those of the link come all the same.
      train.number(IFLA.extMask, RTEXT_FILTER_SKIP_STATS);
    },
    (_, body) => links.push(parseLink(body)),
  );
  return links;
}

function parseLink(body: Buffer): Link {
  const attributes = attributesOf(body, LINK_HEADER, WANTED);
  const linkInfo = attributes.get(IFLA.linkInfo);
  // What is kept of it outlives the answer that it stands in.
  const info = attributesOf(linkInfo && Buffer.from(linkInfo));
  const number = (type: number) => numberAttribute(attributes.get(type));
  let data: Attributes | undefined;
  let slaveData: Attributes | undefined;
  return {
    ifindex: body.readInt32LE(4),
    name: textAttribute(attributes.get(IFLA.name)),
    address: addressAttribute(attributes.get(IFLA.address)) ?? "",
    mtu: number(IFLA.mtu) ?? 0,
    up: (body.readUInt32LE(8) & IFF.up) !== 0,
    flags: body.readUInt32LE(8),
    operstate: OPERSTATES[number(IFLA.operstate) ?? 0] ?? "UNKNOWN",
    qdisc: textAttribute(attributes.get(IFLA.qdisc)) || "none",
    xdp:
      (numberAttribute(attributesOf(attributes.get(IFLA.xdp)).get(IFLA_XDP_ATTACHED)) ?? 0) !== 0,
    carrier: number(IFLA.carrier) === 1,
    promiscuity: number(IFLA.promiscuity) ?? 0,
    kind: textAttribute(info.get(INFO.kind)) || "device",
    master: number(IFLA.master),
    link: number(IFLA.link),
    linkNetnsid: number(IFLA.linkNetnsid),
    counters: countersOf(attributes.get(IFLA.stats64)),
    // Most of these nobody asks for.
    get data() {
      data ??= attributesOf(info.get(INFO.data));
      return data;
    },
    slaveKind: textAttribute(info.get(INFO.slaveKind)),
    get slaveData() {
      slaveData ??= attributesOf(info.get(INFO.slaveData));
      return slaveData;
    },
  };
}

/** struct rtnl_link_stats64: packets, packets, bytes, bytes, errors, errors, dropped, dropped, … */
function countersOf(stats: Buffer | undefined): Port["counters"] {
  const at = (index: number) =>
    stats === undefined || stats.length < 64 ? 0 : Number(stats.readBigUInt64LE(index * 8));
  return { rx: at(0), tx: at(1), rxBytes: at(2), txBytes: at(3), txDropped: at(7) };
}

const IFF_RUNNING = 0x40;
/** Those that ip(8) shows, by their bits; it shows the lack of IFF_RUNNING instead of IFF_RUNNING. */
const FLAG_NAMES: [number, string][] = [
  [IFF.loopback, "LOOPBACK"],
  [0x2, "BROADCAST"],
  [0x10, "POINTOPOINT"],
  [0x1000, "MULTICAST"],
  [IFF.noArp, "NOARP"],
  [0x200, "ALLMULTI"],
  [0x100, "PROMISC"],
  [0x400, "MASTER"],
  [0x800, "SLAVE"],
  [0x4, "DEBUG"],
  [0x8000, "DYNAMIC"],
  [0x4000, "AUTOMEDIA"],
  [0x2000, "PORTSEL"],
  [0x20, "NOTRAILERS"],
  [IFF.up, "UP"],
  [IFF.lowerUp, "LOWER_UP"],
  [0x2_0000, "DORMANT"],
  [0x4_0000, "ECHO"],
];

/** In the words and the order of ip(8). */
export function flagNames({ flags, up }: Link): string[] {
  const silent = up && (flags & IFF_RUNNING) === 0;
  const names = FLAG_NAMES.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
  return silent ? ["NO-CARRIER", ...names] : names;
}
