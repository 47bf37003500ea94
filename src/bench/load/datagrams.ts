import { macBytes } from "../../setup/mac.ts";

/** Who sends a datagram to whom, and the link-layer addresses of its first hop. */
export interface Addresses {
  source: string;
  nextHop: string;
  /** Dotted IPv4. */
  from: string;
  to: string;
  port: number;
}

const ETHERNET = 14;
const IP = 20;
const ETHER_TYPE_IPV4 = 0x0800;
const DONT_FRAGMENT = 0x4000;
const TTL = 64;
const UDP = 17;

/** One frame of `size` bytes without FCS with an IPv4/UDP datagram, which routers pass on as they do anybody's. */
export function datagramFrame(addresses: Addresses, size: number): Buffer {
  const { source, nextHop, from, to, port } = addresses;
  const frame = Buffer.alloc(size);
  macBytes(nextHop).copy(frame, 0);
  macBytes(source).copy(frame, 6);
  frame.writeUInt16BE(ETHER_TYPE_IPV4, 12);
  const ip = frame.subarray(ETHERNET);
  ip.writeUInt8(0x45, 0);
  ip.writeUInt16BE(size - ETHERNET, 2);
  ip.writeUInt16BE(DONT_FRAGMENT, 6);
  ip.writeUInt8(TTL, 8);
  ip.writeUInt8(UDP, 9);
  Buffer.from(from.split(".").map(Number)).copy(ip, 12);
  Buffer.from(to.split(".").map(Number)).copy(ip, 16);
  ip.writeUInt16BE(checksum(ip.subarray(0, IP)), 10);
  // No checksum (RFC 768): over veth a socket leaves it to the device as well, and nobody adds it up.
  const udp = ip.subarray(IP);
  udp.writeUInt16BE(port, 0);
  udp.writeUInt16BE(port, 2);
  udp.writeUInt16BE(udp.length, 4);
  return frame;
}

/** RFC 1071. */
function checksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
