import type { BridgeState, Port } from "../../bridge/state.ts";
import { type Cause, type CauseNote, hasEntry, staticEntry } from "./cause.ts";
import type { Proposal } from "./remedy.ts";
import { isOpen, portPhrase } from "./whereabouts.ts";

/** A locked port (802.1X, MAB) takes frames from addresses with an entry only, and learns none. */
export const lockedPort: Cause = {
  notes: (state) =>
    state.ports
      .filter((port) => port.flags.locked)
      .map((port) =>
        lockedNote(state, port, isOpen(state, port) ? null : (port.peer?.address ?? null)),
      ),
};

/** Of the host behind it with that address, which is null where it is not known. */
export function lockedNote(state: BridgeState, port: Port, address: string | null): CauseNote {
  const admitted = address !== null && hasEntry(state, address);
  return {
    cause: "locked-port",
    text: admitted
      ? `${portPhrase(port)} is locked and admits ${address}, which has an entry; every other source behind it is dropped`
      : `${portPhrase(port)} is locked: sources without an entry are dropped and not learned, and frames for them are flooded`,
    remedy: admitted ? null : admit(port, address),
  };
}

/** `vlan` is the one that its frames are of where that is known. */
export function admit(port: Port, address: string | null, vlan?: number): Proposal | null {
  const without = "admitted without having authenticated";
  if (address === null) {
    return {
      change: { set: "locked", port, on: false },
      effect: `${port.name} takes and learns every source`,
      risk: `whoever is behind it is ${without}`,
    };
  }
  const entry = staticEntry(port, address, vlan);
  return entry && { ...entry, risk: `${address} is ${without}; ${entry.risk}` };
}
