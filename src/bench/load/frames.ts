import { macBytes } from "../../text/mac-address.ts";

/** IEEE Std 802 local experimental EtherType: no protocol handler takes the frame. */
const TEST_ETHER_TYPE = 0x88b5;
const IPV4 = 0x0800;
/** RFC 2544 section 9.1: the smallest Ethernet frame, here without its 4 bytes of FCS. */
export const SMALLEST_FRAME = 60;
const HEADER = 14;
const IP_HEADER = 20;
const UDP_HEADER = 8;
const DONT_FRAGMENT = 0x4000;
const UDP = 17;
/** RFC 2544 appendix C.2.6.4.3: the port of UDP echo. */
const ECHO = 7;

/** Between whom a frame goes. */
export interface Addresses {
  destination: string;
  source: string;
  /** IPv4 addresses of a UDP datagram inside, and its port; null for a frame that is no IP. */
  ip: { source: string; destination: string; port?: number } | null;
}

/** A test frame of `size` bytes without FCS, of no protocol. */
export function testFrame(destination: string, source: string, size: number): Buffer {
  return testFrames([{ destination, source, ip: null }], size);
}

/**
 * Test frames of `size` bytes without FCS, one after the other in one buffer, each with its number in
 * its first four free bytes.
 */
export function testFrames(all: readonly Addresses[], size: number): Buffer {
  const frames = Buffer.alloc(all.length * size);
  all.forEach(({ destination, source, ip }, index) => {
    const frame = frames.subarray(index * size, (index + 1) * size);
    macBytes(destination).copy(frame, 0);
    macBytes(source).copy(frame, 6);
    frame.writeUInt16BE(ip === null ? TEST_ETHER_TYPE : IPV4, 12);
    if (ip !== null) writeDatagram(frame.subarray(HEADER), ip);
    const free = HEADER + (ip === null ? 0 : IP_HEADER + UDP_HEADER);
    if (size >= free + 4) frame.writeUInt32LE(index, free);
  });
  return frames;
}

/**
 * A UDP datagram that fills the packet, which routers pass on as they do anybody's. No UDP checksum (RFC 768): over
 * veth a socket leaves it to the device as well, and nobody adds it up.
 */
function writeDatagram(
  packet: Buffer,
  { source, destination, port = ECHO }: NonNullable<Addresses["ip"]>,
): void {
  packet.writeUInt8(0x45, 0);
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt16BE(DONT_FRAGMENT, 6);
  packet.writeUInt8(64, 8);
  packet.writeUInt8(UDP, 9);
  Buffer.from(octets(source)).copy(packet, 12);
  Buffer.from(octets(destination)).copy(packet, 16);
  packet.writeUInt16BE(checksum(packet.subarray(0, IP_HEADER)), 10);
  packet.writeUInt16BE(port, IP_HEADER);
  packet.writeUInt16BE(port, IP_HEADER + 2);
  packet.writeUInt16BE(packet.length - IP_HEADER, IP_HEADER + 4);
}

function octets(address: string): number[] {
  return address.split(".").map(Number);
}

/** The Internet checksum (RFC 1071) of an even number of bytes. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
