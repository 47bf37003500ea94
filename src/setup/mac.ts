import { createHash } from "node:crypto";
import { macText } from "../text/mac-address.ts";

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
  return macText(bytes);
}
