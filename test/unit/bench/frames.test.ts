import { describe, expect, it } from "vitest";
import { type Addresses, testFrames } from "../../../src/bench/load/frames.ts";

const ADDRESSES: Addresses = {
  source: "02:00:00:00:00:01",
  destination: "02:00:00:00:00:02",
  ip: { source: "172.16.10.99", destination: "172.16.10.12", port: 9 },
};

/** Of all 16-bit words, header checksum included: 0xffff where it is right (RFC 1071). */
function sumOf(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += bytes.readUInt16BE(at);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

describe("a test frame with a datagram", () => {
  it("is the smallest frame byte by byte", () => {
    const frame = testFrames([ADDRESSES], 60);
    expect(frame.toString("hex")).toBe(
      [
        "0200000000020200000000010800",
        "4500002e000040004011ce2fac100a63ac100a0c",
        "00090009001a0000",
        "00".repeat(18),
      ].join(""),
    );
    expect(sumOf(frame.subarray(14, 34))).toBe(0xffff);
  });

  it.each([60, 61, 1514, 9014])("of %i bytes says its own lengths", (size) => {
    const frame = testFrames([ADDRESSES], size);
    expect(frame).toHaveLength(size);
    expect(frame.readUInt16BE(16)).toBe(size - 14);
    expect(frame.readUInt16BE(38)).toBe(size - 34);
    expect(sumOf(frame.subarray(14, 34))).toBe(0xffff);
  });

  it("goes to the port of UDP echo unless another is named, and carries its number", () => {
    const ip = { source: "198.18.0.1", destination: "198.18.0.2" };
    const frames = testFrames(
      [
        { ...ADDRESSES, ip },
        { ...ADDRESSES, ip },
      ],
      64,
    );
    expect(frames.readUInt16BE(64 + 36)).toBe(7);
    expect([frames.readUInt32LE(42), frames.readUInt32LE(64 + 42)]).toEqual([0, 1]);
  });
});

describe("a test frame without one", () => {
  it("is of the local experimental EtherType, and carries its number", () => {
    const frames = testFrames(
      [
        { ...ADDRESSES, ip: null },
        { ...ADDRESSES, ip: null },
      ],
      60,
    );
    expect(frames.readUInt16BE(12)).toBe(0x88b5);
    expect([frames.readUInt32LE(14), frames.readUInt32LE(60 + 14)]).toEqual([0, 1]);
  });
});
