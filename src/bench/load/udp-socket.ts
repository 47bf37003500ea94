import { bind, close, connect, setsockopt, socket } from "../../system/libc.ts";
import { inNamespace, type NetworkNamespace } from "../../system/netns.ts";

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;

/** A blocking UDP socket in a namespace, bound and connected; receives give up after `timeoutMs`. */
export function udpSocket(
  namespace: NetworkNamespace,
  local: { address: string; port: number },
  remote: { address: string; port: number },
  timeoutMs: number,
): number {
  const fd = inNamespace(namespace, () => socket(AF_INET, SOCK_DGRAM, 0));
  try {
    const timeout = Buffer.alloc(16);
    timeout.writeBigInt64LE(BigInt(Math.floor(timeoutMs / 1000)), 0);
    timeout.writeBigInt64LE(BigInt((timeoutMs % 1000) * 1000), 8);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout);
    bind(fd, socketAddress(local.address, local.port));
    connect(fd, socketAddress(remote.address, remote.port));
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

function socketAddress(address: string, port: number): Buffer {
  const buffer = Buffer.alloc(16);
  buffer.writeUInt16LE(AF_INET, 0);
  buffer.writeUInt16BE(port, 2);
  Buffer.from(address.split(".").map(Number)).copy(buffer, 4);
  return buffer;
}
