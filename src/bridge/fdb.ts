/** The forwarding database of a bridge. */
import { SystemCallError } from "../system/libc.ts";
import { dumpFdb, type NeighbourMessage, NTF, NUD } from "../system/neighbours.ts";
import { withDumpSocket } from "../system/netlink-dump.ts";
import { atPlace } from "./places.ts";
import type { FdbEntry, Place } from "./state.ts";

/** What a bridge's FDB holds now; nothing where the bridge is gone. */
export function entriesAt(place: Place, bridge: number): FdbEntry[] {
  const read = (fd: number) => entriesOf(bridge, dumpFdb(fd, bridge));
  try {
    return atPlace(place, (namespace) => withDumpSocket(namespace, read)) ?? [];
  } catch (error) {
    if (error instanceof SystemCallError && error.code === "ENODEV") return [];
    throw error;
  }
}

/** Those of the bridge's own table. */
export function entriesOf(bridge: number, messages: readonly NeighbourMessage[]): FdbEntry[] {
  return messages.filter(({ master }) => master === bridge).map(entryOf);
}

export function entryOf(message: NeighbourMessage): FdbEntry {
  return {
    address: message.address ?? "",
    vlan: message.vlan,
    port: message.ifindex,
    local: (message.state & NUD.permanent) !== 0,
    static: (message.state & NUD.noarp) !== 0,
    sticky: (message.flags & NTF.sticky) !== 0,
    updatedS: message.updated === null ? null : message.updated / 100,
    usedS: message.used === null ? null : message.used / 100,
  };
}
