import { describe, expect, it } from "vitest";
import { datagramFrame } from "../../../src/bench/load/datagrams.ts";

const ADDRESSES = {
  source: "02:00:00:00:00:01",
  nextHop: "02:00:00:00:00:02",
  from: "172.16.10.99",
  to: "172.16.10.12",
  port: 9,
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

describe("datagramFrame", () => {
  it("is the smallest frame byte by byte", () => {
    const frame = datagramFrame(ADDRESSES, 60);
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
    const frame = datagramFrame(ADDRESSES, size);
    expect(frame).toHaveLength(size);
    expect(frame.readUInt16BE(16)).toBe(size - 14);
    expect(frame.readUInt16BE(38)).toBe(size - 34);
    expect(sumOf(frame.subarray(14, 34))).toBe(0xffff);
  });
});
