import type { BridgeState } from "../../bridge/state.ts";
import { plural } from "../../text/units.ts";
import type { Cause, CauseNote } from "./cause.ts";
import {
  DEFAULT,
  type Device,
  fixedNeighbours,
  isVxlan,
  lackingRemote,
  whoKnows,
} from "./overlay.ts";

/**
 * Half an overlay entry: the bridge, or a permanent neighbour, says that an address is behind a VXLAN device, and that
 * device's own FDB has no remote for it. What is learned comes and goes; what somebody has set does not.
 */
export const vxlanHalfEntry: Cause = {
  notes: (state) => [
    ...state.ports.filter(isVxlan).flatMap((port) => {
      const set = state.entries.filter((one) => one.static && one.port === port.ifindex);
      return lacking(state, port, [...set, ...fixedNeighbours(state, port)]);
    }),
    // What is routed from the bridge needs an address there that hosts can send it to.
    ...(state.addresses.length === 0 ? [] : state.vxlans).flatMap((device) => {
      const { txDropped } = device.counters;
      const lost =
        txDropped === 0 ? "" : ` (it has dropped ${plural(txDropped, "frame")} since it was made)`;
      return lacking(state, device, fixedNeighbours(state, device), lost);
    }),
  ],
};

function lacking(
  state: BridgeState,
  device: Device,
  said: readonly { address: string }[],
  more = "",
): CauseNote[] {
  const { external, remotes } = device.vxlan;
  const known = new Set(remotes.map(({ address }) => address));
  if (external || known.has(DEFAULT)) return [];
  return [...new Set(said.map(({ address }) => address))]
    .filter((address) => !known.has(address))
    .map((address) => ({
      cause: "vxlan-no-remote",
      text: `${lackingRemote(state, device, address).text}${more}`,
      remedy: { none: whoKnows(state, device, address) },
    }));
}
