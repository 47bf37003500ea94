/** Listening at a device: frames that pass it, in both directions, with the kernel's time: packet(7). */
import { growReceiveBuffer, receiveMessages } from "./inet-socket.ts";
import {
  addressOf,
  bind,
  checked,
  close,
  libc,
  SystemCallError,
  setsockopt,
  socket,
} from "./libc.ts";
import { inNamespace, type NetworkNamespace } from "./netns.ts";
import {
  AF_PACKET,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_PACKET,
  SOL_SOCKET,
} from "./uapi.ts";

/** One instruction of classic BPF (struct sock_filter). */
export type Instruction = readonly [code: number, jt: number, jf: number, k: number];

/** A frame, or its first bytes, as it passed. The bytes are valid until the next reading. */
export interface Tapped {
  /** By CLOCK_REALTIME, in nanoseconds. */
  timeNs: bigint;
  /** The device sends it; else it came in there. */
  outgoing: boolean;
  ifindex: number;
  /** VLAN that the kernel keeps beside the frame; 0 where there is none. */
  vlan: number;
  /** Of the whole frame from the Ethernet header on. */
  length: number;
  bytes: Buffer;
}

export interface PacketTap {
  /** Hands over what has come since, at most `most` frames; returns how many. */
  read(most: number, take: (frame: Tapped) => void): number;
  /** Frames for which there was no room since this was asked last. */
  missed(): number;
  close(): void;
}

const getsockopt = libc.func("int getsockopt(int fd, int level, int name, void *value, void *len)");

const ETH_P_ALL = 3;
const SO_ATTACH_FILTER = 26;
const SO_TIMESTAMPNS = 35;
const PACKET_STATISTICS = 6;
const PACKET_AUXDATA = 8;
const PACKET_OUTGOING = 4;
const TP_STATUS_VLAN_VALID = 0x10;
/** It counts what a frame takes in the kernel, though of a large one only its beginning is copied. */
const RECEIVE_BUFFER = 64 << 20;

/** `ifindex` 0 is every device of the namespace. At most `snap` bytes of a frame that `program` takes are handed over. */
export function openPacketTap(
  namespace: NetworkNamespace,
  ifindex: number,
  program: readonly Instruction[],
  snap: number,
): PacketTap {
  // Of no protocol, it hears nothing before its filter is there.
  const fd = inNamespace(namespace, () =>
    socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
  );
  try {
    attachFilter(fd, program);
    growReceiveBuffer(fd, RECEIVE_BUFFER);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, ONE);
    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, ONE);
    const address = Buffer.alloc(SOCKADDR_LL);
    address.writeUInt16LE(AF_PACKET, 0);
    address.writeUInt16BE(ETH_P_ALL, 2);
    address.writeInt32LE(ifindex, 4);
    bind(fd, address);
  } catch (error) {
    close(fd);
    throw error;
  }
  const messages = new Messages(snap);
  return {
    read: (most, take) => {
      let all = 0;
      while (all < most) {
        const got = messages.receive(fd, take);
        all += got;
        if (got < BATCH) break;
      }
      return all;
    },
    missed: () => {
      // struct tpacket_stats: packets, drops; reading sets both back.
      const value = Buffer.alloc(8);
      const length = Buffer.from([8, 0, 0, 0]);
      checked("getsockopt", getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, value, length));
      return value.readUInt32LE(4);
    },
    close: () => close(fd),
  };
}

const ONE = Buffer.from([1, 0, 0, 0]);
const INSTRUCTION = 8;

function attachFilter(fd: number, program: readonly Instruction[]): void {
  const code = Buffer.alloc(program.length * INSTRUCTION);
  program.forEach(([operation, jt, jf, k], index) => {
    const at = index * INSTRUCTION;
    code.writeUInt16LE(operation, at);
    code.writeUInt8(jt, at + 2);
    code.writeUInt8(jf, at + 3);
    code.writeUInt32LE(k >>> 0, at + 4);
  });
  // struct sock_fprog
  const value = Buffer.alloc(16);
  value.writeUInt16LE(program.length, 0);
  value.writeBigUInt64LE(addressOf(code), 8);
  setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, value);
}

/** A device that is down, or goes, is told once (ENETDOWN): no frame comes from it then, until it is up again. */
function received(fd: number, headers: Buffer): number {
  try {
    return Math.max(0, receiveMessages(fd, headers, BATCH));
  } catch (error) {
    if (error instanceof SystemCallError && error.code === "ENETDOWN") return 0;
    throw error;
  }
}

const BATCH = 64;
const MMSGHDR = 64;
const IOVEC = 16;
const SOCKADDR_LL = 20;
/** struct cmsghdr with a timespec, and one with struct tpacket_auxdata (20 bytes, aligned). */
const CONTROL = 96;
const CMSG_HEADER = 16;

/** Room for frames that recvmmsg(2) fills. */
class Messages {
  readonly #snap: number;
  readonly #headers = Buffer.alloc(MMSGHDR * BATCH);
  // The kernel follows addresses into these.
  readonly #vectors = Buffer.alloc(IOVEC * BATCH);
  readonly #names = Buffer.alloc(SOCKADDR_LL * BATCH);
  readonly #controls = Buffer.alloc(CONTROL * BATCH);
  readonly #frames: Buffer;

  constructor(snap: number) {
    this.#snap = snap;
    this.#frames = Buffer.alloc(snap * BATCH);
    const [vectors, names, controls, frames] = [
      addressOf(this.#vectors),
      addressOf(this.#names),
      addressOf(this.#controls),
      addressOf(this.#frames),
    ];
    for (let index = 0; index < BATCH; index++) {
      this.#vectors.writeBigUInt64LE(frames + BigInt(index * snap), index * IOVEC);
      this.#vectors.writeBigUInt64LE(BigInt(snap), index * IOVEC + 8);
      const at = index * MMSGHDR;
      this.#headers.writeBigUInt64LE(names + BigInt(index * SOCKADDR_LL), at);
      this.#headers.writeBigUInt64LE(vectors + BigInt(index * IOVEC), at + 16);
      this.#headers.writeBigUInt64LE(1n, at + 24);
      this.#headers.writeBigUInt64LE(controls + BigInt(index * CONTROL), at + 32);
    }
  }

  receive(fd: number, take: (frame: Tapped) => void): number {
    // The kernel writes into these two what it used.
    for (let index = 0; index < BATCH; index++) {
      this.#headers.writeUInt32LE(SOCKADDR_LL, index * MMSGHDR + 8);
      this.#headers.writeBigUInt64LE(BigInt(CONTROL), index * MMSGHDR + 40);
    }
    const got = received(fd, this.#headers);
    for (let index = 0; index < got; index++) take(this.#frame(index));
    return got;
  }

  #frame(index: number): Tapped {
    const name = index * SOCKADDR_LL;
    const kept = this.#headers.readUInt32LE(index * MMSGHDR + 56);
    const from = index * this.#snap;
    const frame: Tapped = {
      timeNs: 0n,
      outgoing: this.#names.readUInt8(name + 10) === PACKET_OUTGOING,
      ifindex: this.#names.readInt32LE(name + 4),
      vlan: 0,
      length: kept,
      bytes: this.#frames.subarray(from, from + kept),
    };
    const end = index * CONTROL + Number(this.#headers.readBigUInt64LE(index * MMSGHDR + 40));
    for (let at = index * CONTROL; at + CMSG_HEADER <= end; ) {
      const length = Number(this.#controls.readBigUInt64LE(at));
      const level = this.#controls.readInt32LE(at + 8);
      const type = this.#controls.readInt32LE(at + 12);
      const data = at + CMSG_HEADER;
      if (level === SOL_SOCKET && type === SO_TIMESTAMPNS) {
        const seconds = this.#controls.readBigInt64LE(data);
        frame.timeNs = seconds * 1_000_000_000n + this.#controls.readBigInt64LE(data + 8);
      } else if (level === SOL_PACKET && type === PACKET_AUXDATA) {
        const valid = (this.#controls.readUInt32LE(data) & TP_STATUS_VLAN_VALID) !== 0;
        frame.length = this.#controls.readUInt32LE(data + 4);
        if (valid) frame.vlan = this.#controls.readUInt16LE(data + 16) & 0xfff;
      }
      at += (length + 7) & ~7;
      if (length < CMSG_HEADER) break;
    }
    return frame;
  }
}
