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
import { atPlace } from "./places.ts";
import type { Place, Port } from "./state.ts";

export const RTM_GETLINK = 18;
export const LINK_HEADER = 16;
const IFF_UP = 1;
export const IFLA = {
  address: 1,
  name: 3,
  mtu: 4,
  link: 5,
  master: 10,
  linkInfo: 18,
  stats64: 23,
  promiscuity: 30,
  carrier: 33,
  linkNetnsid: 37,
} as const;
const INFO = { kind: 1, data: 2, slaveKind: 4, slaveData: 5 } as const;

export interface Link {
  ifindex: number;
  name: string;
  address: string;
  mtu: number;
  up: boolean;
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
    (train) => train.linkHeader(0),
    (_, body) => links.push(parseLink(body)),
  );
  return links;
}

function parseLink(body: Buffer): Link {
  const attributes = attributesOf(Buffer.from(body), LINK_HEADER);
  const info = attributesOf(attributes.get(IFLA.linkInfo));
  const number = (type: number) => numberAttribute(attributes.get(type));
  return {
    ifindex: body.readInt32LE(4),
    name: textAttribute(attributes.get(IFLA.name)),
    address: addressAttribute(attributes.get(IFLA.address)) ?? "",
    mtu: number(IFLA.mtu) ?? 0,
    up: (body.readUInt32LE(8) & IFF_UP) !== 0,
    carrier: number(IFLA.carrier) === 1,
    promiscuity: number(IFLA.promiscuity) ?? 0,
    kind: textAttribute(info.get(INFO.kind)) || "device",
    master: number(IFLA.master),
    link: number(IFLA.link),
    linkNetnsid: number(IFLA.linkNetnsid),
    counters: countersOf(attributes.get(IFLA.stats64)),
    data: attributesOf(info.get(INFO.data)),
    slaveKind: textAttribute(info.get(INFO.slaveKind)),
    slaveData: attributesOf(info.get(INFO.slaveData)),
  };
}

/** struct rtnl_link_stats64: packets, packets, bytes, bytes, errors, errors, dropped, dropped, … */
function countersOf(stats: Buffer | undefined): Port["counters"] {
  const at = (index: number) =>
    stats === undefined || stats.length < 64 ? 0 : Number(stats.readBigUInt64LE(index * 8));
  return { rx: at(0), tx: at(1), rxBytes: at(2), txBytes: at(3), txDropped: at(7) };
}
