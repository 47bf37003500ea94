import type { BridgeState } from "../../bridge/state.ts";
import { type Cause, hasEntry, users } from "./cause.ts";

/** A neighbour entry outlives the host that it points to. */
export const destinationGone: Cause = {
  notes: (state) => {
    const living = addresses(state);
    const open = state.ports.filter((port) => port.peer === null || port.peer.master !== null);
    return users(state)
      .filter((entry) => entry.address !== null && !living.has(entry.address))
      .filter((entry) => entry.address !== null && !hasEntry(state, entry.address))
      .map((entry) => {
        const at = entry.namespace;
        const unsure =
          open.length === 0
            ? "and no port has a host with it"
            : `and no host that can be seen has it (behind ${open.map((port) => port.name).join(", ")} may be others)`;
        return {
          cause: "destination-gone",
          text: `${at.label} has ${entry.ip} at ${entry.address} (${entry.state}), but the bridge has no entry for that address ${unsure}: what it sends there is flooded`,
          remedy: {
            change: { set: "no-neighbour", neighbour: entry },
            effect: `${at.label} asks anew who has ${entry.ip} before it sends to it`,
            risk:
              entry.state === "permanent"
                ? "somebody has set the entry for good: what asked for it may set it again"
                : "one ARP or neighbour solicitation; nothing if the host is gone",
          },
        };
      });
  },
};

function addresses(state: BridgeState): Set<string> {
  const peers = state.ports.flatMap((port) => (port.peer === null ? [] : [port.peer.address]));
  return new Set([state.address, ...state.ports.map((port) => port.address), ...peers]);
}
