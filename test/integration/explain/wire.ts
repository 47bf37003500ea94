/** Frames of protocols whose programs are not on the machine, as they are on the wire. */
import { macBytes } from "../../../src/text/mac-address.ts";

export const EVERYBODY = "ff:ff:ff:ff:ff:ff";
const IPV4 = 0x0800;
const ARP = 0x0806;
const IPV6 = 0x86dd;
const UDP = 17;
const VRRP = 112;
const ICMPV6 = 58;

/** At least the 60 bytes of Ethernet's shortest frame. */
export function ethernet(to: string, from: string, type: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(14);
  macBytes(to).copy(head, 0);
  macBytes(from).copy(head, 6);
  head.writeUInt16BE(type, 12);
  const frame = Buffer.concat([head, payload]);
  return Buffer.concat([frame, Buffer.alloc(Math.max(0, 60 - frame.length))]);
}

type Addressed = { mac: string; ip: string; port?: number };

/** A UDP datagram over IPv4. */
export function udp4(from: Addressed, to: Addressed, data: Buffer): Buffer {
  const datagram = Buffer.concat([Buffer.alloc(8), data]);
  datagram.writeUInt16BE(from.port ?? 5353, 0);
  datagram.writeUInt16BE(to.port ?? 5353, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  return ipv4(from, to, UDP, datagram);
}

/** A VRRP advertisement (RFC 5798) of virtual router 1, from its virtual address to its group. */
export function vrrp(ip: string): Buffer {
  const said = Buffer.from([0x31, 1, 200, 1, 0, 100, 0, 0, 10, 77, 0, 100]);
  said.writeUInt16BE(checksum(said), 6);
  const group = { mac: "01:00:5e:00:00:12", ip: "224.0.0.18" };
  return ipv4({ mac: "00:00:5e:00:01:01", ip }, group, VRRP, said);
}

/** A router advertisement (RFC 4861) without a prefix, from a link-local address to all nodes. */
export function routerAdvertisement(mac: string): Buffer {
  const said = Buffer.from([134, 0, 0, 0, 64, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0, 0]);
  const to = { mac: "33:33:00:00:00:01", ip: `ff02${"00".repeat(13)}01` };
  return ipv6({ mac, ip: `fe80${"00".repeat(13)}0d` }, to, ICMPV6, said);
}

/** Tells everybody who has an IPv4 address, unasked (RFC 5944, 4.6). */
export function gratuitousArp(mac: string, ip: string): Buffer {
  const address = Buffer.from(ip.split(".").map(Number));
  const said = [
    Buffer.from("0001080006040001", "hex"),
    macBytes(mac),
    address,
    Buffer.alloc(6),
    address,
  ];
  return ethernet(EVERYBODY, mac, ARP, Buffer.concat(said));
}

/** Asks whether anybody has an IPv6 address yet (RFC 4862, 5.4.2), given as 32 hex digits. */
export function duplicateDetection(mac: string, ip: string): Buffer {
  const tail = ip.slice(-6);
  const to = {
    mac: `33:33:ff:${tail.replace(/(..)(..)(..)/, "$1:$2:$3")}`,
    ip: `ff02${"00".repeat(9)}01ff${tail}`,
  };
  const said = Buffer.concat([Buffer.from([135, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(ip, "hex")]);
  return ipv6({ mac, ip: "00".repeat(16) }, to, ICMPV6, said);
}

/** A query for names (RFC 6762) over IPv6. */
export function mdns6(mac: string): Buffer {
  const datagram = Buffer.concat([Buffer.alloc(8), MDNS_QUERY]);
  datagram.writeUInt16BE(5353, 0);
  datagram.writeUInt16BE(5353, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  const to = { mac: "33:33:00:00:00:fb", ip: `ff02${"00".repeat(13)}fb` };
  return ipv6({ mac, ip: `fe80${"00".repeat(13)}0d` }, to, UDP, datagram);
}

/** Asks for the pointers of _http._tcp.local. */
export const MDNS_QUERY = Buffer.concat([
  Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
  Buffer.from("\x05_http\x04_tcp\x05local\0", "latin1"),
  Buffer.from([0, 12, 0, 1]),
]);

function ipv4(from: Addressed, to: Addressed, protocol: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + payload.length, 2);
  header[8] = 255;
  header[9] = protocol;
  for (const [index, { ip }] of [from, to].entries()) {
    Buffer.from(ip.split(".").map(Number)).copy(header, 12 + 4 * index);
  }
  header.writeUInt16BE(checksum(header), 10);
  return ethernet(to.mac, from.mac, IPV4, Buffer.concat([header, payload]));
}

/** Addresses as 32 hex digits; the checksum that both ICMPv6 and UDP have at byte 2 or 6 of theirs. */
function ipv6(from: Addressed, to: Addressed, next: number, payload: Buffer): Buffer {
  const addresses = Buffer.from(from.ip + to.ip, "hex");
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(payload.length, 0);
  pseudo[7] = next;
  payload.writeUInt16BE(
    checksum(Buffer.concat([addresses, pseudo, payload])),
    next === ICMPV6 ? 2 : 6,
  );
  const header = Buffer.alloc(8);
  header[0] = 0x60;
  header.writeUInt16BE(payload.length, 4);
  header[6] = next;
  header[7] = 255;
  return ethernet(to.mac, from.mac, IPV6, Buffer.concat([header, addresses, payload]));
}

/** RFC 1071, of what has an even number of bytes or is padded to it. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
