import { bind, close, recv, send, setsockopt, socket } from "./libc.ts";
import { inNamespace, type NetworkNamespace } from "./netns.ts";

/**
 * The three rtnetlink requests that every host of a lab needs, sent as one train of messages.
 * A thousand hosts would otherwise cost a thousand starts of `ip`.
 */
export type HostRequest =
  | { kind: "up"; ifindex: number }
  | { kind: "address"; ifindex: number; address: string; prefix: number }
  | { kind: "alias"; ifindex: number; alias: string };

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_ROUTE = 0;
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_CREATE = 0x400;
const NLM_F_EXCL = 0x200;
const NLMSG_ERROR = 2;
const NLMSG_HEADER = 16;
const LINK_HEADER = 16;
const IFF_UP = 1;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFLA_IFALIAS = 20;
const AF_INET = 2;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;

/** Sends the requests in order inside the namespace; throws with the errno of the first that was refused. */
export function configureHost(namespace: NetworkNamespace, requests: readonly HostRequest[]): void {
  const fd = openSocket(namespace);
  try {
    send(fd, Buffer.concat(requests.map((request, index) => encode(request, index + 1))));
    receiveAcknowledgements(fd, namespace, requests);
  } finally {
    close(fd);
  }
}

/** The alias of a link; empty when it has none. */
export function readAlias(namespace: NetworkNamespace, ifindex: number): string {
  const fd = openSocket(namespace);
  try {
    send(fd, message(RTM_GETLINK, 0, 1, linkHeader(ifindex, 0)));
    const buffer = Buffer.alloc(16384);
    const length = recv(fd, buffer);
    if (length < NLMSG_HEADER + LINK_HEADER || buffer.readUInt16LE(4) !== RTM_NEWLINK) {
      throw new Error(`rtnetlink shows no link ${ifindex} in namespace ${namespace.name}`);
    }
    for (let at = NLMSG_HEADER + LINK_HEADER; at + 4 <= length; ) {
      const size = buffer.readUInt16LE(at);
      if (size < 4) break;
      if (buffer.readUInt16LE(at + 2) === IFLA_IFALIAS) {
        return buffer.toString("utf8", at + 4, at + size).replace(/\0$/, "");
      }
      at += align(size);
    }
    return "";
  } finally {
    close(fd);
  }
}

function openSocket(namespace: NetworkNamespace): number {
  const fd = inNamespace(namespace, () => socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  const timeout = Buffer.alloc(16);
  timeout.writeBigInt64LE(2n, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout);
  const local = Buffer.alloc(12);
  local.writeUInt16LE(AF_NETLINK, 0);
  bind(fd, local);
  return fd;
}

function receiveAcknowledgements(
  fd: number,
  namespace: NetworkNamespace,
  requests: readonly HostRequest[],
): void {
  const buffer = Buffer.alloc(16384);
  for (let missing = requests.length; missing > 0; ) {
    const length = recv(fd, buffer);
    if (length < 0) throw new Error(`rtnetlink did not answer in namespace ${namespace.name}`);
    for (let at = 0; at + NLMSG_HEADER <= length; ) {
      const size = buffer.readUInt32LE(at);
      if (size < NLMSG_HEADER) throw new Error("rtnetlink answered with a broken message");
      if (buffer.readUInt16LE(at + 4) === NLMSG_ERROR) {
        missing--;
        const errno = -buffer.readInt32LE(at + NLMSG_HEADER);
        const request = requests[buffer.readUInt32LE(at + 8) - 1];
        if (errno !== 0) {
          throw new Error(
            `rtnetlink refused ${JSON.stringify(request)} in namespace ${namespace.name} with errno ${errno}`,
          );
        }
      }
      at += align(size);
    }
  }
}

function encode(request: HostRequest, sequence: number): Buffer {
  switch (request.kind) {
    case "up":
      return message(RTM_NEWLINK, 0, sequence, linkHeader(request.ifindex, IFF_UP));
    case "alias":
      return message(
        RTM_NEWLINK,
        0,
        sequence,
        linkHeader(request.ifindex, 0),
        attribute(IFLA_IFALIAS, Buffer.from(`${request.alias}\0`)),
      );
    case "address": {
      const header = Buffer.alloc(8);
      header.writeUInt8(AF_INET, 0);
      header.writeUInt8(request.prefix, 1);
      header.writeUInt32LE(request.ifindex, 4);
      const address = ipv4(request.address);
      const hostBits = request.prefix === 32 ? 0 : 0xffffffff >>> request.prefix;
      const broadcast = Buffer.alloc(4);
      broadcast.writeUInt32BE((address.readUInt32BE(0) | hostBits) >>> 0);
      return message(
        RTM_NEWADDR,
        NLM_F_CREATE | NLM_F_EXCL,
        sequence,
        header,
        attribute(IFA_LOCAL, address),
        attribute(IFA_ADDRESS, address),
        attribute(IFA_BROADCAST, broadcast),
      );
    }
  }
}

function linkHeader(ifindex: number, flags: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeInt32LE(ifindex, 4);
  header.writeUInt32LE(flags, 8);
  header.writeUInt32LE(flags, 12);
  return header;
}

function message(type: number, flags: number, sequence: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(NLMSG_HEADER);
  header.writeUInt32LE(NLMSG_HEADER + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK | flags, 6);
  header.writeUInt32LE(sequence, 8);
  return Buffer.concat([header, body]);
}

function attribute(type: number, value: Buffer): Buffer {
  const buffer = Buffer.alloc(align(4 + value.length));
  buffer.writeUInt16LE(4 + value.length, 0);
  buffer.writeUInt16LE(type, 2);
  value.copy(buffer, 4);
  return buffer;
}

function ipv4(text: string): Buffer {
  return Buffer.from(text.split(".").map(Number));
}

function align(size: number): number {
  return (size + 3) & ~3;
}
