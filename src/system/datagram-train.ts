import { receiveMessages } from "./inet-socket.ts";
import { addressOf } from "./libc.ts";

const MMSGHDR = 64;
const IOVEC = 16;

/** Room for several datagrams a recvmmsg(2), for a reader that counts them and does not look inside. */
export class DatagramRoom {
  readonly #count: number;
  readonly #messages: Buffer;
  // The kernel follows addresses into these buffers.
  readonly #vector = Buffer.alloc(IOVEC);
  readonly #data: Buffer;

  /** Of each datagram at most `size` bytes are copied, all to the same place. */
  constructor(count: number, size: number) {
    this.#count = count;
    this.#data = Buffer.alloc(size);
    this.#vector.writeBigUInt64LE(addressOf(this.#data), 0);
    this.#vector.writeBigUInt64LE(BigInt(size), 8);
    this.#messages = Buffer.alloc(MMSGHDR * count);
    for (let index = 0; index < count; index++) {
      this.#messages.writeBigUInt64LE(addressOf(this.#vector), index * MMSGHDR + 16);
      this.#messages.writeBigUInt64LE(1n, index * MMSGHDR + 24);
    }
  }

  /** Datagrams taken from the socket, 0 when none is there. */
  receive(fd: number): number {
    return Math.max(0, receiveMessages(fd, this.#messages, this.#count));
  }
}
