/** What live.bt and watch.bt tell of entries that somebody added or deleted. */
import type { ProbeMaps } from "../probes/maps.ts";
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

/** Of these kinds, what was done since the last call. */
export function takeByHand(maps: ProbeMaps, kinds: readonly ByHand["kind"][]): ByHand[] {
  return kinds.flatMap((kind) => {
    const by = maps.takeTexts(`${kind}By`);
    if (by.length === 0) return [];
    // Written after the command, by the same program.
    const on = new Map(maps.takeTexts(`${kind}On`).map(([key, name]) => [key.join(), name]));
    return by.map(([key, command]): ByHand => {
      const [address = 0n, pid = 0n] = key;
      return {
        kind,
        address: macOfInteger(address),
        vlan: Number(address >> 48n),
        device: on.get(key.join()) ?? "",
        by: `${command} (pid ${pid})`,
        at: Date.now(),
      };
    });
  });
}
