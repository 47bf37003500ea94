/** `02:00:00:00:00:ff` of six bytes. */
export function macText(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

export function macBytes(address: string): Buffer {
  return Buffer.from(address.replaceAll(":", ""), "hex");
}

/** The address as a probe reads it: the first byte on the wire is the lowest. */
export function macInteger(address: string): bigint {
  return BigInt(`0x${Buffer.from(macBytes(address)).reverse().toString("hex")}`);
}

/** The address that a probe read; what stands above its six bytes is not looked at. */
export function macOfInteger(value: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return macText(bytes.subarray(0, 6));
}
