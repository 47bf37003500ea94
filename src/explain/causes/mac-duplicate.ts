import { type Cause, type CauseNote, peerPorts, portPhrase } from "./cause.ts";

/** Two hosts with one address: its entry moves with every frame that either sends. */
export const macDuplicate: Cause = {
  notes: (state) => {
    const ports = peerPorts(state);
    const addresses = [...new Set(ports.map(({ peer }) => peer.address))];
    return addresses.flatMap((address): CauseNote[] => {
      const behind = ports.filter(({ peer }) => peer.address === address);
      if (behind.length < 2) return [];
      const names = behind.map(({ port }) => portPhrase(port)).join(" and ");
      return [
        {
          cause: "mac-flapping",
          text: `${address} is the address of several hosts, behind ${names}: its entry moves to whichever sent last, and frames go to the wrong one; give each an address of its own`,
          remedy: null,
        },
      ];
    });
  },
};
