import { addressOf, bind, close, recv, sendmmsg, sendto, setsockopt, socket } from "./libc.ts";
import { inNamespace, type NetworkNamespace } from "./netns.ts";
import { AF_PACKET, SOCK_RAW, SOL_PACKET, SOL_SOCKET } from "./uapi.ts";

/** Raw Ethernet frames out of (and into) one interface: packet(7). */
export interface PacketSocket {
  readonly fd: number;
  /** Sends one frame, header included; throws with the errno name when the kernel refuses. */
  send(frame: Buffer): void;
  /** Length of the next frame received into `buffer`, or -1 after the time-out. */
  receive(buffer: Buffer): number;
  close(): void;
}

const SO_RCVTIMEO = 20;
const SO_SNDBUF_FORCE = 32;
const PACKET_QDISC_BYPASS = 20;

export interface PacketSocketOptions {
  /** EtherType to receive; nothing is received when absent. */
  etherType?: number;
  /** Skip the queueing discipline (PACKET_QDISC_BYPASS); net_dev_queue does not fire then. */
  bypassQdisc?: boolean;
  receiveTimeoutMs?: number;
}

export function openPacketSocket(
  namespace: NetworkNamespace,
  ifindex: number,
  options: PacketSocketOptions = {},
): PacketSocket {
  const fd = inNamespace(namespace, () => socket(AF_PACKET, SOCK_RAW, 0));
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(options.etherType ?? 0, 2);
  address.writeInt32LE(ifindex, 4);
  try {
    bind(fd, address);
    if (options.bypassQdisc) setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, int32(1));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF_FORCE, int32(8 << 20));
    const timeoutMs = options.receiveTimeoutMs ?? 1000;
    const timeout = Buffer.alloc(16);
    timeout.writeBigInt64LE(BigInt(Math.floor(timeoutMs / 1000)), 0);
    timeout.writeBigInt64LE(BigInt((timeoutMs % 1000) * 1000), 8);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout);
  } catch (error) {
    close(fd);
    throw error;
  }
  return {
    fd,
    send: (frame) => void sendto(fd, frame, address),
    receive: (buffer) => recv(fd, buffer),
    close: () => close(fd),
  };
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value);
  return buffer;
}

const MMSGHDR = 64;
const IOVEC = 16;

/** Frames of one size laid out once for sendmmsg(2): one system call sends a stretch of them, in order. */
export class FrameTrain {
  readonly count: number;
  readonly #frames: Uint8Array;
  #messages: Buffer;
  // The kernel follows addresses into this buffer.
  #vectors: Buffer;

  /** `frames` holds one frame of `size` bytes after the other. */
  constructor(frames: Uint8Array, size: number) {
    this.#frames = frames;
    this.count = frames.length / size;
    this.#messages = Buffer.alloc(MMSGHDR * this.count);
    this.#vectors = Buffer.alloc(IOVEC * this.count);
    const bytes = addressOf(this.#frames);
    const vectors = addressOf(this.#vectors);
    for (let index = 0; index < this.count; index++) {
      this.#vectors.writeBigUInt64LE(bytes + BigInt(index * size), index * IOVEC);
      this.#vectors.writeBigUInt64LE(BigInt(size), index * IOVEC + 8);
      this.#messages.writeBigUInt64LE(vectors + BigInt(index * IOVEC), index * MMSGHDR + 16);
      this.#messages.writeBigUInt64LE(1n, index * MMSGHDR + 24);
    }
  }

  /** Sends `count` frames from the `first` on; returns how many of them the kernel took. */
  send(fd: number, first: number, count: number): number {
    const messages = first === 0 ? this.#messages : this.#messages.subarray(first * MMSGHDR);
    return sendmmsg(fd, messages, count);
  }
}
