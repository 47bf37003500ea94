/** Neighbour tables over rtnetlink: the FDB of a bridge (AF_BRIDGE), and ARP and NDP. */
import { isIPv4 } from "node:net";
import { bind, close, recv, SystemCallError, setsockopt } from "./libc.ts";
import {
  addressAttribute,
  dump,
  eachAttribute,
  eachMessage,
  netlinkSocket,
} from "./netlink-dump.ts";
import type { NetworkNamespace } from "./netns.ts";
import {
  AF_BRIDGE,
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  IFLA_MASTER,
  RTM_NEWLINK,
  SO_RCVBUFFORCE,
  SOL_SOCKET,
} from "./uapi.ts";

const RTMGRP_LINK = 1 << 0;
const RTMGRP_NEIGH = 1 << 2;
const FEED_BYTES = 8 << 20;
const RTM_DELLINK = 17;
const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
const RTM_GETNEIGH = 30;
const NEIGHBOUR_HEADER = 12;
const NDA = {
  destination: 1,
  address: 2,
  cache: 3,
  vlan: 5,
  port: 6,
  vni: 7,
  master: 9,
} as const;

/** NUD_* of linux/neighbour.h. */
export const NUD = {
  incomplete: 0x01,
  reachable: 0x02,
  stale: 0x04,
  delay: 0x08,
  probe: 0x10,
  failed: 0x20,
  noarp: 0x40,
  permanent: 0x80,
} as const;

/** NTF_* of linux/neighbour.h, by the words of bridge(8). */
export const NTF = {
  /** Of a device's own table, such as a VXLAN's, or one of the addresses that it takes. */
  self: 0x02,
  extern_learn: 0x10,
  offload: 0x20,
  /** The entry does not move to another port. */
  sticky: 0x40,
} as const;

export interface NeighbourMessage {
  deleted: boolean;
  /** `fdb` for AF_BRIDGE; `ip` for the two others. */
  family: "fdb" | "ip";
  ifindex: number;
  /** NUD_* bits. */
  state: number;
  /** NTF_* bits. */
  flags: number;
  /** Lower-case, with colons; null where there is none yet. */
  address: string | null;
  /** 0 where there is none. */
  vlan: number;
  /** The bridge, for an entry of its FDB; null otherwise. */
  master: number | null;
  /** IP address, for ARP and NDP; of the remote, for an entry of a VXLAN. */
  ip: string | null;
  /** UDP port and VNI of the remote, where they are not those of the VXLAN. */
  remotePort: number | null;
  vni: number | null;
  /** Hundredths of a second since it was used, and seen. */
  used: number | null;
  updated: number | null;
}

/**
 * What `bridge fdb show` does: the entries of one bridge with those of its ports' own tables, or the entries of one
 * device (0 for the other). Those of a bridge have it as `master`, those of a device's own table are `self`. With 0 for both
 * all entries of the namespace, but for the groups that devices listen to: every device has some, and nobody asks for them.
 */
export function dumpFdb(fd: number, bridge: number, device = 0): NeighbourMessage[] {
  const found: NeighbourMessage[] = [];
  dump(
    fd,
    RTM_GETNEIGH,
    (train) => {
      const header = Buffer.alloc(16);
      header.writeUInt8(AF_BRIDGE, 0);
      header.writeInt32LE(device, 4);
      train.bytesOf(header);
      if (bridge !== 0) train.number(IFLA_MASTER, bridge);
    },
    (type, body) => {
      if (bridge === 0 && device === 0 && isOwnGroup(body)) return;
      const message = parseNeighbour(type, body);
      if (message?.family === "fdb") found.push(message);
    },
  );
  return found;
}

/** The address is the first attribute (nlmsg_populate_fdb_fill()). */
function isOwnGroup(body: Buffer): boolean {
  const at = NEIGHBOUR_HEADER;
  if (body.length < at + 10 || ((body[10] ?? 0) & NTF.self) === 0) return false;
  return body.readUInt16LE(at + 2) === NDA.address && ((body[at + 4] ?? 0) & 1) !== 0;
}

/** ARP and NDP entries of all devices of the socket's namespace. */
export function dumpNeighbours(fd: number): NeighbourMessage[] {
  const found: NeighbourMessage[] = [];
  dump(
    fd,
    RTM_GETNEIGH,
    (train) => train.bytesOf(Buffer.alloc(NEIGHBOUR_HEADER)),
    (type, body) => {
      const message = parseNeighbour(type, body);
      if (message?.family === "ip") found.push(message);
    },
  );
  return found;
}

/** Null for messages of other kinds. */
function parseNeighbour(type: number, body: Buffer): NeighbourMessage | null {
  if ((type !== RTM_NEWNEIGH && type !== RTM_DELNEIGH) || body.length < NEIGHBOUR_HEADER)
    return null;
  const family = body.readUInt8(0);
  if (![AF_BRIDGE, AF_INET, AF_INET6].includes(family)) return null;
  const message: NeighbourMessage = {
    deleted: type === RTM_DELNEIGH,
    family: family === AF_BRIDGE ? "fdb" : "ip",
    ifindex: body.readInt32LE(4),
    state: body.readUInt16LE(8),
    flags: body.readUInt8(10),
    address: null,
    vlan: 0,
    master: null,
    ip: null,
    remotePort: null,
    vni: null,
    used: null,
    updated: null,
  };
  eachAttribute(body, NEIGHBOUR_HEADER, (kind, value) => {
    if (kind === NDA.address) message.address = addressAttribute(value);
    else if (kind === NDA.vlan) message.vlan = value.readUInt16LE();
    else if (kind === NDA.master) message.master = value.readUInt32LE();
    else if (kind === NDA.destination) message.ip = ipText(value);
    else if (kind === NDA.port) message.remotePort = value.readUInt16BE();
    else if (kind === NDA.vni) message.vni = value.readUInt32LE();
    else if (kind === NDA.cache) {
      message.used = value.readUInt32LE(4);
      message.updated = value.readUInt32LE(8);
    }
  });
  return message;
}

/** IPv4 of four bytes, IPv6 of sixteen (RFC 5952 without the shortening of a single group). */
export function ipText(bytes: Buffer): string | null {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) return null;
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  const runs = groups.join(":").match(/(?:^|:)0(?::0)+(?:$|:)/g) ?? [];
  const zeros = (run: string) => run.split("0").length;
  const longest = runs.reduce((best, run) => (zeros(run) > zeros(best) ? run : best), "");
  return longest === "" ? groups.join(":") : groups.join(":").replace(longest, "::");
}

/** The bytes of an address that isIP has taken. */
export function ipBytes(text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split(".").map(Number));
  const [, dotted] = /:([\d.]+\.\d+)$/.exec(text) ?? [];
  const last =
    dotted === undefined ? "" : Buffer.from(dotted.split(".").map(Number)).toString("hex");
  const plain =
    dotted === undefined
      ? text
      : `${text.slice(0, -dotted.length)}${last.slice(0, 4)}:${last.slice(4)}`;
  const [head = [], tail = []] = plain
    .split("::")
    .map((half) => (half === "" ? [] : half.split(":")));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  const groups = [...head, ...zeros, ...tail];
  return Buffer.from(groups.map((group) => group.padStart(4, "0")).join(""), "hex");
}

/** Changes of neighbour tables as they come, and that links have changed. */
export interface NeighbourFeed {
  /** What has come since; `links` where one came, went or changed, `overrun` when the kernel had to drop some. */
  read(): { messages: NeighbourMessage[]; links: boolean; overrun: boolean };
  close(): void;
}

/** Of all devices of a namespace, FDBs included. */
export function openNeighbourFeed(namespace: NetworkNamespace): NeighbourFeed {
  const fd = netlinkSocket(namespace);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, Buffer.from(Int32Array.of(FEED_BYTES).buffer));
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK, 0);
  address.writeUInt32LE(RTMGRP_LINK | RTMGRP_NEIGH, 8);
  bind(fd, address);
  const answer = Buffer.alloc(65_536);
  return {
    read: () => {
      const messages: NeighbourMessage[] = [];
      let [links, overrun] = [false, false];
      for (;;) {
        let length: number;
        try {
          length = recv(fd, answer);
        } catch (error) {
          if (!(error instanceof SystemCallError) || error.code !== "ENOBUFS") throw error;
          overrun = true;
          continue;
        }
        if (length < 0) return { messages, links, overrun };
        eachMessage(answer.subarray(0, length), (type, body) => {
          if (type === RTM_NEWLINK || type === RTM_DELLINK) links = true;
          const message = parseNeighbour(type, body);
          if (message !== null) messages.push(message);
        });
      }
    },
    close: () => close(fd),
  };
}
