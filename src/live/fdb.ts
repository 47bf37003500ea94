/** The forwarding database of a bridge. */
import { type NeighbourMessage, NUD } from "../system/neighbours.ts";
import type { FdbEntry } from "./state.ts";

export function entryOf(message: NeighbourMessage): FdbEntry {
  return {
    address: message.address ?? "",
    vlan: message.vlan,
    port: message.ifindex,
    local: (message.state & NUD.permanent) !== 0,
    static: (message.state & NUD.noarp) !== 0,
    updatedS: message.updated === null ? null : message.updated / 100,
    usedS: message.used === null ? null : message.used / 100,
  };
}
