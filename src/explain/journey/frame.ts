/** What a frame says of itself, and what of it stays the same from hop to hop. */
import { ipText } from "../../system/neighbours.ts";
import { macText } from "../../text/mac-address.ts";

export interface Frame {
  source: string;
  destination: string;
  /** Within the frame, or beside it; 0 where there is none. */
  vlan: number;
  /** From the Ethernet header on, without a VLAN tag, as the kernel has it: one that stands for several segments is larger than any. */
  length: number;
  /** `ARP`, `ICMP`, `TCP`, …; null for what is no IP. */
  protocol: string | null;
  /** In the words of a person: `echo request`, `ARP request`, `UDP datagram`. */
  what: string;
  /** IP addresses. */
  from: string | null;
  to: string | null;
  /** Of TCP and UDP. */
  sourcePort: number | null;
  destinationPort: number | null;
  /** Of ARP and neighbour discovery. */
  resolution: { kind: "question" | "answer"; of: string } | null;
  /** The same of this frame wherever it is seen, and mostly of no other. */
  key: string;
  /** The same by its headers alone. */
  header: string;
  /** Of TCP with data: which conversation, and its first and its last byte. Segments may be packed and cut on the way. */
  bytes: { stream: string; first: number; last: number } | null;
}

/** So many bytes of a frame, from its Ethernet header on, are enough. */
export const FRAME_BYTES = 96;

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const ARP = 0x0806;
const TAGS: readonly number[] = [0x8100, 0x88a8];
const ICMP = 1;
const TCP = 6;
const UDP = 17;
const ICMP6 = 58;
const PROTOCOLS: Readonly<Record<number, string>> = {
  1: "ICMP",
  2: "IGMP",
  6: "TCP",
  17: "UDP",
  58: "ICMPv6",
};
/** RFC 792; RFC 4443; RFC 4861. */
const ICMP_TYPES: Readonly<Record<number, string>> = {
  0: "echo reply",
  3: "ICMP unreachable",
  8: "echo request",
};
const ICMP6_TYPES: Readonly<Record<number, string>> = {
  1: "ICMPv6 unreachable",
  2: "ICMPv6 packet too big",
  128: "echo request",
  129: "echo reply",
  135: "neighbour solicitation",
  136: "neighbour advertisement",
};

/**
 * Reads the first bytes of a frame, FRAME_BYTES of it at most; `vlan` is the tag that the kernel keeps beside it. Null for
 * what is too short to be one.
 */
export function parseFrame(all: Buffer, length: number, vlan = 0): Frame | null {
  if (all.length < 14) return null;
  const tagged = TAGS.includes(all.readUInt16BE(12)) && all.length >= 18;
  const bytes = (
    tagged ? Buffer.concat([all.subarray(0, 12), all.subarray(16)]) : Buffer.from(all)
  ).subarray(0, Math.min(FRAME_BYTES, length));
  const type = bytes.readUInt16BE(12);
  const base = {
    source: macText(bytes.subarray(6, 12)),
    destination: macText(bytes.subarray(0, 6)),
    vlan: tagged ? all.readUInt16BE(14) & 0xfff : vlan,
    length: tagged ? length - 4 : length,
    ...{ sourcePort: null, destinationPort: null, resolution: null, bytes: null },
  };
  if (type === ARP && bytes.length >= 42) return { ...base, ...arp(bytes) };
  if (type === IPV4 && bytes.length >= 34) return { ...base, ...ipv4(bytes) };
  if (type === IPV6 && bytes.length >= 54) return { ...base, ...ipv6(bytes) };
  const key = bytes.toString("hex", 12);
  const what = `frame of EtherType 0x${type.toString(16).padStart(4, "0")}`;
  return { ...base, protocol: null, what, from: null, to: null, key, header: key };
}

type Rest = Pick<Frame, "protocol" | "what" | "from" | "to" | "key" | "header"> & Partial<Frame>;

function arp(bytes: Buffer): Rest {
  const [from, to] = [ipText(bytes.subarray(28, 32)), ipText(bytes.subarray(38, 42))];
  const question = bytes.readUInt16BE(20) === 1;
  // The frame is padded on some ways.
  const key = bytes.toString("hex", 12, 42);
  return {
    ...{ protocol: "ARP", what: question ? "ARP request" : "ARP reply", from, to, key },
    header: key,
    resolution: question ? { kind: "question", of: to ?? "" } : { kind: "answer", of: from ?? "" },
  };
}

function ipv4(bytes: Buffer): Rest {
  const begin = 14 + 4 * (bytes.readUInt8(14) & 0xf);
  const end = Math.min(bytes.length, 14 + bytes.readUInt16BE(16));
  const header = Buffer.from(bytes.subarray(14, Math.min(begin, end)));
  // Filled in on some ways only.
  if (header.length >= 12) header.fill(0, 10, 12);
  const isFirst = (bytes.readUInt16BE(20) & 0x1fff) === 0;
  const addresses = {
    from: ipText(bytes.subarray(26, 30)),
    to: ipText(bytes.subarray(30, 34)),
  };
  const inner = Buffer.from(bytes.subarray(begin, Math.max(begin, end)));
  const number = bytes.readUInt8(23);
  if (!isFirst) {
    const key = `${header.toString("hex")} ${inner.toString("hex")}`;
    const what = `later fragment of ${PROTOCOLS[number] ?? `IP protocol ${number}`}`;
    return {
      protocol: protocolOf(number),
      what,
      ...addresses,
      key,
      header: header.toString("hex"),
    };
  }
  const payload = bytes.readUInt16BE(16) - (begin - 14);
  return { ...addresses, ...transport(number, header, inner, payload, addresses) };
}

function ipv6(bytes: Buffer): Rest {
  const end = Math.min(bytes.length, 54 + bytes.readUInt16BE(18));
  const addresses = {
    from: ipText(bytes.subarray(22, 38)),
    to: ipText(bytes.subarray(38, 54)),
  };
  const inner = Buffer.from(bytes.subarray(54, Math.max(54, end)));
  const header = Buffer.from(bytes.subarray(14, 54));
  return {
    ...addresses,
    ...transport(bytes.readUInt8(20), header, inner, bytes.readUInt16BE(18), addresses),
  };
}

function transport(
  number: number,
  ip: Buffer,
  inner: Buffer,
  payload: number,
  { from, to }: { from: string | null; to: string | null },
): Omit<Rest, "from" | "to"> {
  const protocol = protocolOf(number);
  const checksumAt = { [ICMP]: 2, [TCP]: 16, [UDP]: 6, [ICMP6]: 2 }[number];
  // Left to the hardware as far as the destination.
  if (checksumAt !== undefined) inner.fill(0, checksumAt, checksumAt + 2);
  const headerBytes = { [ICMP]: 8, [TCP]: 20, [UDP]: 8, [ICMP6]: 24 }[number] ?? 0;
  const header = `${ip.toString("hex")} ${inner.toString("hex", 0, headerBytes)}`;
  const whole = { protocol, header, key: `${ip.toString("hex")} ${inner.toString("hex")}` };
  if (number === TCP && inner.length >= 20) {
    return { ...whole, ...tcp(inner, payload, `${from} ${to}`) };
  }
  if (number === UDP && inner.length >= 8) {
    return { ...whole, what: "UDP datagram", ...portsOf(inner) };
  }
  const type = inner[0] ?? -1;
  if (number === ICMP) return { ...whole, what: ICMP_TYPES[type] ?? `ICMP of type ${type}` };
  if (number === ICMP6) {
    const of = inner.length >= 24 ? (ipText(inner.subarray(8, 24)) ?? "") : "";
    const kind = ({ 135: "question", 136: "answer" } as const)[type];
    return {
      ...whole,
      what: ICMP6_TYPES[type] ?? `ICMPv6 of type ${type}`,
      ...(kind === undefined ? {} : { resolution: { kind, of } }),
    };
  }
  return { ...whole, what: `packet of ${protocol}` };
}

function tcp(
  inner: Buffer,
  payload: number,
  addresses: string,
): Omit<Rest, "from" | "to" | "key" | "header" | "protocol"> {
  const data = payload - 4 * (inner.readUInt8(12) >> 4);
  const flags = inner.readUInt8(13);
  const ports = portsOf(inner);
  const stream = `${addresses} ${ports.sourcePort} ${ports.destinationPort}`;
  const first = inner.readUInt32BE(4);
  return {
    ...ports,
    what:
      data > 0
        ? "TCP segment"
        : (TCP_FLAGS.find(([bits]) => (flags & bits) === bits)?.[1] ?? "TCP segment"),
    bytes: data > 0 ? { stream, first, last: (first + data - 1) >>> 0 } : null,
  };
}

/** RFC 9293, 3.1; the first that is set names it. */
const TCP_FLAGS: readonly (readonly [number, string])[] = [
  [0x04, "TCP RST"],
  [0x12, "TCP SYN-ACK"],
  [0x02, "TCP SYN"],
  [0x01, "TCP FIN"],
  [0x10, "TCP ACK"],
];

function portsOf(inner: Buffer): Pick<Frame, "sourcePort" | "destinationPort"> {
  return { sourcePort: inner.readUInt16BE(0), destinationPort: inner.readUInt16BE(2) };
}

function protocolOf(number: number): string {
  return PROTOCOLS[number] ?? `IP protocol ${number}`;
}
