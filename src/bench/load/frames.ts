import { macBytes } from "../../setup/mac.ts";

/** IEEE Std 802 local experimental EtherType: no protocol handler takes the frame. */
const TEST_ETHER_TYPE = 0x88b5;
/** RFC 2544 section 9.1: the smallest Ethernet frame, here without its 4 bytes of FCS. */
export const SMALLEST_FRAME = 60;
const HEADER = 14;

/** A test frame of `size` bytes without FCS; the payload begins with `sequence`, little-endian. */
export function testFrame(destination: string, source: string, size: number, sequence = 0): Buffer {
  const frame = Buffer.alloc(Math.max(size, HEADER + 4));
  macBytes(destination).copy(frame, 0);
  macBytes(source).copy(frame, 6);
  frame.writeUInt16BE(TEST_ETHER_TYPE, 12);
  frame.writeUInt32LE(sequence >>> 0, HEADER);
  return frame;
}
