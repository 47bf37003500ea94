import { type Cause, peerPorts, portPhrase } from "./cause.ts";

/** The entry says one port, and the host with that address is behind another: its frames go astray. */
export const wrongPort: Cause = {
  notes: (state) =>
    peerPorts(state).flatMap(({ port, peer }) =>
      state.entries
        .filter((entry) => entry.address === peer.address && !entry.local)
        .flatMap((entry) => {
          const other = state.ports.find((one) => one.ifindex === entry.port);
          if (other === undefined || other === port || twice(state, peer.address)) return [];
          return [
            {
              cause: "wrong-port" as const,
              text: `the entry of ${peer.address} points to ${portPhrase(other)}, but the host with that address is behind ${portPhrase(port)}: frames for it go to the wrong one`,
              remedy: {
                change: {
                  ...{ set: "entry" as const, port, address: peer.address, vlan: entry.vlan },
                  kind: entry.static ? ("static" as const) : ("dynamic" as const),
                },
                effect: `frames for ${peer.address} leave by ${port.name}`,
                risk: `if somebody behind ${other.name} uses the same address too, it is cut off until it sends, and then the entry moves back${entry.static ? "; the entry was set by hand: what set it may set it again" : ""}`,
              },
            },
          ];
        }),
    ),
};

/** Two hosts with one address: neither port is wrong. */
function twice(state: Parameters<Cause["notes"]>[0], address: string): boolean {
  return peerPorts(state).filter(({ peer }) => peer.address === address).length > 1;
}
