import { bridgeCommand, type Cause, peerPorts, portPhrase } from "./cause.ts";

/** The entry says one port, and the host with that address is behind another: its frames go astray. */
export const wrongPort: Cause = {
  notes: (state) =>
    peerPorts(state).flatMap(({ port, peer }) =>
      state.entries
        .filter((entry) => entry.address === peer.address && !entry.local)
        .flatMap((entry) => {
          const other = state.ports.find((one) => one.ifindex === entry.port);
          if (other === undefined || other === port || twice(state, peer.address)) return [];
          const kind = entry.static ? "static" : "dynamic";
          const vlan = entry.vlan === 0 ? [] : ["vlan", String(entry.vlan)];
          const set = (dev: string) =>
            bridgeCommand(
              state.place,
              "fdb",
              "replace",
              peer.address,
              "dev",
              dev,
              "master",
              kind,
              ...vlan,
            );
          return [
            {
              cause: "wrong-port" as const,
              text: `the entry of ${peer.address} points to ${portPhrase(other)}, but the host with that address is behind ${portPhrase(port)}: frames for it go to the wrong one`,
              remedy: {
                command: set(port.name),
                effect: `frames for ${peer.address} leave by ${port.name}`,
                risk: entry.static
                  ? "the entry was set by hand: what set it may set it again"
                  : "if somebody behind the other port uses the same address, the entry moves back",
                undo: set(other.name),
                verify: `${bridgeCommand(state.place, "fdb", "show", "br", state.name)} shows ${peer.address} dev ${port.name}`,
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
