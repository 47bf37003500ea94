/** The frames that taught a bridge where addresses are, as watch.bt has them in @taught. */

import type { FdbEvent } from "../document/watch.ts";
import type { ProbeMaps } from "../probes/maps.ts";
import { ipText } from "../system/neighbours.ts";
import { macOfInteger } from "../text/mac-address.ts";

export type Taught = NonNullable<FdbEvent["taught"]>;

/** One time that an address was learned, or moved. */
export interface Lesson {
  /** What watch.bt calls the bridge. */
  number: number;
  address: string;
  vlan: number;
  /** Ifindex of the port that its frame came in by. */
  port: number;
  /** Milliseconds since the epoch. */
  at: number;
  taught: Taught;
  /** Null where another address is followed, or none. */
  heard: Heard | null;
}

/** When and where the address that is followed was heard. */
export interface Heard {
  /** Its first frame by this port, in milliseconds since the epoch, and whether that is the one that taught. */
  firstAt: number;
  isFirst: boolean;
  /** Its last one by another port before; null where there was none while this was looked at. */
  before: { port: number; lastAt: number } | null;
}

/** Since the last call, in the order of time. */
export function takeLessons(maps: ProbeMaps): Lesson[] {
  const taken = maps.takeTuples("taught");
  if (taken.length === 0) return [];
  // Both clocks, read together.
  const [now, ns] = [Date.now(), Number(process.hrtime.bigint())];
  const epoch = (time: bigint) => now - (ns - Number(time)) / 1e6;
  return taken.map(([, value]) => lessonOf(value, epoch)).sort((a, b) => a.at - b.at);
}

function lessonOf(value: readonly bigint[], epoch: (ns: bigint) => number): Lesson {
  const [ns = 0n, key = 0n, port = 0n, heard = 0n, other = 0n, last = 0n, first = 0n, ...frame] =
    value;
  return {
    number: Number(key >> 60n),
    address: macOfInteger(key),
    vlan: Number((key >> 48n) & 0xfffn),
    port: Number(port),
    at: epoch(ns),
    taught: taughtBy(bytesOf(frame)),
    heard:
      heard === 0n
        ? null
        : {
            ...{ firstAt: epoch(first), isFirst: first === heard },
            before: other === 0n ? null : { port: Number(other), lastAt: epoch(last) },
          },
  };
}

function bytesOf(words: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(words.length * 8);
  words.forEach((word, at) => {
    bytes.writeBigUInt64LE(word, at * 8);
  });
  return bytes;
}

const ETH_P = { ip: 0x0800, arp: 0x0806, rarp: 0x8035, ip6: 0x86dd } as const;
const TAGS = [0x8100, 0x88a8];
const OTHERS = new Map([
  [0x8809, "LACP"],
  [0x888e, "EAPOL"],
  [0x88cc, "LLDP"],
]);
const IPPROTO = { hopByHop: 0, tcp: 6, udp: 17, icmp6: 58 } as const;
/** VRRP and CARP have one number. */
const PROTOCOLS = new Map([
  [1, "ICMP"],
  [2, "IGMP"],
  [6, "TCP"],
  [17, "UDP"],
  [58, "ICMPv6"],
  [112, "VRRP"],
]);
const NS = 135;
const NA = 136;
const ICMP6 = new Map([
  [130, "MLD query"],
  [131, "MLD report"],
  [132, "MLD done"],
  [133, "router solicitation"],
  [134, "router advertisement"],
  [NS, "neighbour solicitation"],
  [NA, "neighbour advertisement"],
  [143, "MLD report"],
]);

/** What a frame is, from its EtherType on; as much of it as is told is there. */
export function taughtBy(frame: Buffer): Taught {
  const type = frame.readUInt16BE(0);
  if (TAGS.includes(type)) return taughtBy(frame.subarray(4));
  const body = frame.subarray(2);
  switch (type) {
    case ETH_P.ip:
      return ofIp4(body);
    case ETH_P.ip6:
      return ofIp6(body);
    case ETH_P.arp:
      return ofArp(body);
    case ETH_P.rarp:
      return plain("RARP");
    default:
      // A length, and not a type.
      if (type < 0x600) return plain(body.readUInt16BE(0) === 0x4242 ? "STP" : "LLC");
      return plain(OTHERS.get(type) ?? `EtherType 0x${type.toString(16).padStart(4, "0")}`);
  }
}

function plain(protocol: string, over: Partial<Taught> = {}): Taught {
  const nothing = { source: null, destination: null, sourcePort: null, destinationPort: null };
  return { protocol, ...nothing, target: null, ...over };
}

/** RFC 826; RFC 5227, 1.1 and 2.1.1. */
function ofArp(body: Buffer): Taught {
  const [operation, sender, target] = [
    body.readUInt16BE(6),
    ipText(body.subarray(14, 18)),
    ipText(body.subarray(24, 28)),
  ];
  const kind = operation === 2 ? "ARP reply" : "ARP request";
  if (sender === target) return plain("gratuitous ARP", { source: sender, target });
  if (sender === "0.0.0.0") return plain("ARP probe", { target });
  return plain(kind, { source: sender, target });
}

function ofIp4(body: Buffer): Taught {
  const header = (body.readUInt8(0) & 0xf) * 4;
  const protocol = body.readUInt8(9);
  const addresses = {
    source: ipText(body.subarray(12, 16)),
    destination: ipText(body.subarray(16, 20)),
  };
  const first = (body.readUInt16BE(6) & 0x1fff) === 0;
  const ports = first && header + 4 <= body.length ? portsOf(protocol, body, header) : {};
  return plain(PROTOCOLS.get(protocol) ?? `IP protocol ${protocol}`, { ...addresses, ...ports });
}

function ofIp6(body: Buffer): Taught {
  const addresses = {
    source: ipText(body.subarray(8, 24)),
    destination: ipText(body.subarray(24, 40)),
  };
  // MLD comes behind a hop-by-hop header (RFC 2710, 3).
  const hops = body.readUInt8(6) === IPPROTO.hopByHop;
  const at = hops ? 40 + (body.readUInt8(41) + 1) * 8 : 40;
  const protocol = body.readUInt8(hops ? 40 : 6);
  if (at + 4 > body.length) return plain(`IPv6 next header ${protocol}`, addresses);
  if (protocol !== IPPROTO.icmp6) {
    const name = PROTOCOLS.get(protocol) ?? `IPv6 next header ${protocol}`;
    return plain(name, { ...addresses, ...portsOf(protocol, body, at) });
  }
  const type = body.readUInt8(at);
  const told = at + 24 <= body.length && (type === NS || type === NA);
  const target = told ? ipText(body.subarray(at + 8, at + 24)) : null;
  // RFC 4862, 5.4.2.
  if (type === NS && addresses.source === "::") {
    return plain("IPv6 DAD", { destination: addresses.destination, target });
  }
  return plain(ICMP6.get(type) ?? "ICMPv6", { ...addresses, target });
}

function portsOf(
  protocol: number,
  body: Buffer,
  at: number,
): Partial<Pick<Taught, "sourcePort" | "destinationPort">> {
  if (protocol !== IPPROTO.tcp && protocol !== IPPROTO.udp) return {};
  return { sourcePort: body.readUInt16BE(at), destinationPort: body.readUInt16BE(at + 2) };
}
