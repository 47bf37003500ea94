/** Frames by value. */
import { macBytes } from "../../../../src/text/mac-address.ts";

export interface Ip {
  from: string;
  to: string;
  fromIp: string;
  toIp: string;
}

function four(ip: string): Buffer {
  return Buffer.from(ip.split(".").map(Number));
}

export function ethernet(to: string, from: string, type: number, payload: Buffer): Buffer {
  const kind = Buffer.alloc(2);
  kind.writeUInt16BE(type);
  return Buffer.concat([macBytes(to), macBytes(from), kind, payload]);
}

export function ipv4(
  { from, to, fromIp, toIp }: Ip,
  protocol: number,
  payload: Buffer,
  id = 7,
): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt16BE(id, 4);
  header.writeUInt8(64, 8);
  header.writeUInt8(protocol, 9);
  four(fromIp).copy(header, 12);
  four(toIp).copy(header, 16);
  return ethernet(to, from, 0x0800, Buffer.concat([header, payload]));
}

export function echo(ip: Ip, sequence: number, type = 8): Buffer {
  const payload = Buffer.alloc(24);
  payload.writeUInt8(type, 0);
  payload.writeUInt16BE(sequence, 6);
  return ipv4(ip, 1, payload, sequence);
}

export function tcp(ip: Ip, sequence: number, bytes: number, id: number): Buffer {
  const payload = Buffer.alloc(20 + bytes, 1);
  payload.fill(0, 0, 20);
  payload.writeUInt16BE(40_000, 0);
  payload.writeUInt16BE(80, 2);
  payload.writeUInt32BE(sequence, 4);
  payload.writeUInt8(0x50, 12);
  payload.writeUInt8(0x10, 13);
  return ipv4(ip, 6, payload, id);
}

export function udp(ip: Ip, port: number, data: Buffer, id = 7): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(4000, 0);
  header.writeUInt16BE(port, 2);
  header.writeUInt16BE(8 + data.length, 4);
  return ipv4(ip, 17, Buffer.concat([header, data]), id);
}

export function arp(operation: 1 | 2, { from, to, fromIp, toIp }: Ip): Buffer {
  const body = Buffer.alloc(28);
  body.writeUInt16BE(1, 0);
  body.writeUInt16BE(0x0800, 2);
  body.writeUInt8(6, 4);
  body.writeUInt8(4, 5);
  body.writeUInt16BE(operation, 6);
  macBytes(from).copy(body, 8);
  four(fromIp).copy(body, 14);
  four(toIp).copy(body, 24);
  return ethernet(to, from, 0x0806, body);
}

/** A neighbour solicitation for fd77::`last`. */
export function solicitation(from: string, last: number): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(24, 4);
  header.writeUInt8(58, 6);
  header.writeUInt8(255, 7);
  Buffer.from([0xfd, 0x77]).copy(header, 8);
  header.writeUInt8(9, 23);
  Buffer.from([0xff, 0x02]).copy(header, 24);
  const body = Buffer.alloc(24);
  body.writeUInt8(135, 0);
  Buffer.from([0xfd, 0x77]).copy(body, 8);
  body.writeUInt8(last, 23);
  return ethernet("33:33:ff:00:00:02", from, 0x86dd, Buffer.concat([header, body]));
}
