import { macBytes } from "../../setup/mac.ts";

/** IEEE Std 802 local experimental EtherType: no protocol handler takes the frame. */
const TEST_ETHER_TYPE = 0x88b5;
/** RFC 2544 section 9.1: the smallest Ethernet frame, here without its 4 bytes of FCS. */
export const SMALLEST_FRAME = 60;
const HEADER = 14;

/** A test frame of `size` bytes without FCS. */
export function testFrame(destination: string, source: string, size: number): Buffer {
  return testFrames([{ destination, source }], size);
}

/** Test frames of `size` bytes without FCS, one after the other in one buffer. */
export function testFrames(
  addresses: readonly { destination: string; source: string }[],
  size: number,
): Buffer {
  const frames = Buffer.alloc(addresses.length * size);
  addresses.forEach(({ destination, source }, index) => {
    const at = index * size;
    macBytes(destination).copy(frames, at);
    macBytes(source).copy(frames, at + 6);
    frames.writeUInt16BE(TEST_ETHER_TYPE, at + 12);
    if (size >= HEADER + 4) frames.writeUInt32LE(index, at + HEADER);
  });
  return frames;
}
