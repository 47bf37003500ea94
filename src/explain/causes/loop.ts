import type { Cause } from "./cause.ts";

/** Both ends of one veth pair are ports of this bridge: what leaves by one comes back by the other, for ever. */
export const loop: Cause = {
  notes: (state) =>
    state.ports.flatMap((port) => {
      const peer = port.peer;
      if (peer === null || peer.namespace.inode !== state.place.inode) return [];
      const other = state.ports.find((one) => one.ifindex === peer.ifindex);
      // Each pair once; a port that does not forward has broken it.
      if (other === undefined || other.ifindex < port.ifindex) return [];
      if (port.state !== "forwarding" || other.state !== "forwarding") return [];
      return [
        {
          cause: "loop" as const,
          text: `${port.name} and ${other.name} are the two ends of one cable and both are ports of ${state.name}: every flooded frame comes back and is flooded again`,
          remedy: {
            change: { set: "disabled" as const, port: other },
            effect: `${other.name} carries no frames any more, which opens the loop`,
            risk: "none for hosts on other ports; the pair itself carries nothing more",
          },
        },
      ];
    }),
};
