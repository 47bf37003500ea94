/** What live.bt and watch.bt print of entries that somebody added or deleted. */
import { macOfInteger } from "../text/mac-address.ts";

export interface ByHand {
  kind: "added" | "deleted";
  address: string;
  vlan: number;
  /** Name of the port of an entry that was added, and of the bridge of one that was deleted. */
  device: string;
  /** `bridge (pid 4711)`. */
  by: string;
  /** When we heard of it, in milliseconds since the epoch. */
  at: number;
}

/** `deleted 4711 1000002000000 br0 bridge`: what, PID, VLAN << 48 | address in hexadecimal, device, command. */
export function parseByHand(line: string, at = Date.now()): ByHand | null {
  const [, kind, pid, address = "", device = "", command] =
    /^(added|deleted) (\d+) ([0-9a-f]+) (\S+) (.*)$/.exec(line.trim()) ?? [];
  if (kind !== "added" && kind !== "deleted") return null;
  const value = BigInt(`0x${address}`);
  return {
    kind,
    address: macOfInteger(value),
    vlan: Number(value >> 48n),
    device,
    by: `${command} (pid ${pid})`,
    at,
  };
}
