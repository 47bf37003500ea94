import type { Cause, CauseNote } from "./cause.ts";
import { loopPorts } from "./loop.ts";
import { homePhrase, homesByAddress, isOpen, portPhrase, virtualAddress } from "./whereabouts.ts";

/** The entry says one port, and the host with that address is behind another: its frames go astray. */
export const wrongPort: Cause = {
  notes: (state) =>
    [...homesByAddress(state).values()].flatMap(([home, ...more]): CauseNote[] => {
      // Two hosts with one address: neither port is wrong.
      if (home?.port == null || more.length > 0 || virtualAddress(home.address) !== null) return [];
      const { port, address } = home;
      return state.entries
        .filter((entry) => entry.address === address && !entry.local)
        .flatMap((entry): CauseNote[] => {
          const other = state.ports.find((one) => one.ifindex === entry.port);
          // What comes back in a loop takes addresses along.
          if (other === undefined || other === port || loopPorts(state).has(other)) return [];
          if (state.vlanFiltering && !port.vlans.some(({ vid }) => vid === entry.vlan)) return [];
          const maybe = isOpen(state, other)
            ? ` (unless somebody behind ${other.name} has it as well)`
            : "";
          return [
            {
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
            },
          ];
        });
    }),
};
