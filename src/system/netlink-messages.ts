const HEADER_BYTES = 16;
const ATTRIBUTE_BYTES = 4;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;

/** Well below what a socket takes at once (net.core.wmem_default, 208 KiB). */
const TRAIN_BYTES = 65_536;

/** Writes netlink messages one behind the other into one buffer, as netlink(7) lays them out. */
export class MessageTrain {
  readonly #buffer = Buffer.alloc(TRAIN_BYTES);
  #length = 0;
  #last = 0;
  #count = 0;

  clear(): void {
    this.#length = 0;
    this.#count = 0;
  }

  /** Messages so far; a message's sequence number is its place, counted from 1. */
  get count(): number {
    return this.#count;
  }

  /** The train to send. Only its last message asks for an answer; refused ones are answered anyway. */
  bytes(): Buffer {
    const flags = this.#buffer.readUInt16LE(this.#last + 6);
    this.#buffer.writeUInt16LE(flags | NLM_F_ACK, this.#last + 6);
    return this.#buffer.subarray(0, this.#length);
  }

  message(type: number, flags: number, body: () => void): void {
    this.#last = this.#length;
    const start = this.#grow(HEADER_BYTES);
    this.#count++;
    body();
    this.#buffer.writeUInt32LE(this.#length - start, start);
    this.#buffer.writeUInt16LE(type, start + 4);
    this.#buffer.writeUInt16LE(NLM_F_REQUEST | flags, start + 6);
    this.#buffer.writeUInt32LE(this.#count, start + 8);
  }

  /** struct ifinfomsg; every flag in `flags` is set, all others stay. */
  linkHeader(ifindex: number, flags = 0): void {
    const at = this.#grow(16);
    this.#buffer.writeInt32LE(ifindex, at + 4);
    this.#buffer.writeUInt32LE(flags, at + 8);
    this.#buffer.writeUInt32LE(flags, at + 12);
  }

  bytesOf(value: Uint8Array): void {
    this.#buffer.set(value, this.#grow(value.length));
  }

  attribute(type: number, value: Uint8Array): void {
    this.#buffer.set(value, this.#leaf(type, value.length));
  }

  text(type: number, value: string): void {
    this.attribute(type, Buffer.from(`${value}\0`));
  }

  number(type: number, value: number): void {
    this.#buffer.writeUInt32LE(value, this.#leaf(type, 4));
  }

  long(type: number, value: bigint): void {
    this.#buffer.writeBigUInt64LE(value, this.#leaf(type, 8));
  }

  /** An attribute whose value is what `body` writes, mostly further attributes. */
  nested(type: number, body: () => void): void {
    const start = this.#leaf(type, 0);
    body();
    this.#buffer.writeUInt16LE(this.#length - start + ATTRIBUTE_BYTES, start - ATTRIBUTE_BYTES);
  }

  /** An attribute's header, and room for its value: where that begins. */
  #leaf(type: number, size: number): number {
    const start = this.#grow(ATTRIBUTE_BYTES + size);
    this.#buffer.writeUInt16LE(ATTRIBUTE_BYTES + size, start);
    this.#buffer.writeUInt16LE(type, start + 2);
    return start + ATTRIBUTE_BYTES;
  }

  /** Room for `size` bytes, zeroed, and what rounds them up to four. */
  #grow(size: number): number {
    const start = this.#length;
    const end = start + align(size);
    if (end > TRAIN_BYTES) throw new Error(`a train of more than ${TRAIN_BYTES} bytes`);
    this.#buffer.fill(0, start, end);
    this.#length = end;
    return start;
  }
}

/** Netlink's messages and attributes begin at multiples of four. */
export function align(size: number): number {
  return (size + 3) & ~3;
}
