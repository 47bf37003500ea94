import { createHash } from "node:crypto";

/** The first two bits of the fourth byte, and for entries a third. */
const KINDS = { host: 0x00, port: 0x40, bridge: 0x80, entry: 0xa0, sender: 0xc0 } as const;

/**
 * A locally administered unicast address (02:…) of the lab's own: two bytes name the lab, so that
 * an FDB event without a namespace can be told from another bridge's.
 */
export function macAddress(labId: string, kind: keyof typeof KINDS, index: number): string {
  const [first = 0, second = 0] = createHash("sha256").update(labId).digest();
  const bytes = [
    0x02,
    first,
    second,
    KINDS[kind] | ((index >> 16) & 0x3f),
    (index >> 8) & 255,
    index & 255,
  ];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

export function macBytes(address: string): Buffer {
  return Buffer.from(address.replaceAll(":", ""), "hex");
}

/** The address as a probe reads it: the first byte on the wire is the lowest. */
export function macInteger(address: string): bigint {
  return BigInt(`0x${Buffer.from(macBytes(address)).reverse().toString("hex")}`);
}
