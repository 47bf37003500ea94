import type { BridgeState, Port } from "../../bridge/state.ts";
import type { Cause } from "./cause.ts";
import type { Proposal } from "./remedy.ts";
import { portPhrase } from "./whereabouts.ts";

/**
 * A veth takes what fits its receiving end (is_skb_forwardable(), with 4 bytes for a VLAN tag), and a bridge sends what fits
 * the port. What comes too long is lost before the bridge has it, where no frame of its own is seen to vanish.
 */
export const mtu: Cause = {
  notes: (state) =>
    state.ports.flatMap((port) => {
      const { peer } = port;
      if (peer === null || peer.mtu === port.mtu) return [];
      const larger = peer.mtu > port.mtu;
      const text = `${portPhrase(port)} has an MTU of ${port.mtu}, and its other end one of ${peer.mtu}: longer packets than the smaller are lost between them, and nobody is told`;
      return [
        { cause: "mtu" as const, text, remedy: larger ? raised(state, port, peer.mtu) : null },
      ];
    }),
};

/** The port takes what its other end does. */
export function raised({ place, name }: BridgeState, port: Port, bytes: number): Proposal {
  return {
    change: { set: "mtu", device: { ...port, place }, bytes },
    effect: `packets of up to ${bytes} bytes pass ${port.name} in both directions`,
    risk: `${name} itself takes the smallest MTU of its ports unless one was set, so the host may send longer packets there; what plugged the port in (a CNI plugin's mtu) may set it again`,
  };
}
