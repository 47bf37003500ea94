import type { BridgeState, FdbEntry } from "../../bridge/state.ts";
import type { Cause, CauseNote } from "./cause.ts";
import { loopPorts } from "./loop.ts";
import {
  type Home,
  homePhrase,
  homesByAddress,
  isOpen,
  portPhrase,
  virtualAddress,
} from "./whereabouts.ts";

/** The entry says one port, and the host with that address is behind another: its frames go astray. */
export const wrongPort: Cause = {
  notes: (state) =>
    [...homesByAddress(state)].flatMap(([, homes]) =>
      misplacedOf(state, homes).map(({ note }) => note),
    ),
};

interface Misplaced {
  entry: FdbEntry;
  note: CauseNote;
}

/** Entries of an address, one a VLAN, that point to where its host is not. */
export function misplaced(state: BridgeState, address: string): Misplaced[] {
  return misplacedOf(state, homesByAddress(state).get(address) ?? []);
}

function misplacedOf(state: BridgeState, [home, ...more]: readonly Home[]): Misplaced[] {
  // Two hosts with one address: neither port is wrong.
  if (home?.port == null || more.length > 0 || virtualAddress(home.address) !== null) return [];
  const { port, address } = home;
  return state.entries
    .filter((entry) => entry.address === address && !entry.local)
    .flatMap((entry): Misplaced[] => {
      const other = state.ports.find((one) => one.ifindex === entry.port);
      // What comes back in a loop takes addresses along.
      if (other === undefined || other === port || loopPorts(state).has(other)) return [];
      if (state.vlanFiltering && !port.vlans.some(({ vid }) => vid === entry.vlan)) return [];
      const maybe = isOpen(state, other)
        ? ` (unless somebody behind ${other.name} has it as well)`
        : "";
      const note: CauseNote = {
        cause: "wrong-port",
        text: `the entry of ${address} points to ${portPhrase(other)}, but the host with that address is behind ${homePhrase(state, home)}: frames for it go to the wrong one${maybe}`,
        remedy: {
          change: {
            ...{ set: "entry", port, address, vlan: entry.vlan },
            kind: entry.static ? "static" : "dynamic",
          },
          effect: `frames for ${address} leave by ${port.name}`,
          risk: `if somebody behind ${other.name} uses the same address too, it is cut off until it sends, and then the entry moves back${entry.static ? "; the entry was set by hand: what set it may set it again" : ""}`,
        },
      };
      return [{ entry, note }];
    });
}
