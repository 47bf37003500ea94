import { ToolError } from "../system/errors.ts";
import { macInteger } from "../text/mac-address.ts";
import { openProbeMaps } from "./maps.ts";

/** An FDB entry as the probe program's @fdb holds it. */
export interface MirrorEntry {
  address: string;
  vlan: number;
  /** Ifindex of the port behind which the address lies, or `local` for the bridge's own. */
  port: number | "local";
}

/** @fdb's value for an address of the bridge's own. */
const LOCAL = 0x100000000n;

/**
 * Fills the program's mirror of the FDB from outside. Entries that the program has seen itself in
 * the meantime are newer, so they are left alone.
 */
export function seedMirror(pid: number, entries: readonly MirrorEntry[]): void {
  if (entries.length === 0) return;
  const maps = openProbeMaps(pid);
  try {
    const refused = maps.add(
      "fdb",
      entries.map(({ address, vlan, port }) => [
        [(BigInt(vlan) << 48n) | macInteger(address)],
        port === "local" ? LOCAL : BigInt(port),
      ]),
    );
    if (refused > 0) {
      throw new ToolError("bpftrace", `the FDB mirror has no room for ${refused} entries`);
    }
  } finally {
    maps.close();
  }
}
