import type { BridgeState } from "../../bridge/state.ts";
import type { Cause } from "./cause.ts";

/**
 * With a querier br_multicast_rcv() sends a group to its members and to routers alone: a host
 * whose reports the bridge does not hear gets no neighbour solicitation any more, and IPv6 to it ends.
 */
const NONE =
  "with snooping and a querier on, a host whose reports the bridge does not hear gets its groups no longer, IPv6 neighbour solicitations among them, and is cut off from IPv6";

/** br_multicast_rcv() and br_multicast_querier_exists(): without either every group goes to every port. */
export const multicast: Cause = {
  notes: (state) =>
    state.mcastSnooping && state.mcastQuerier
      ? []
      : [{ cause: "multicast-unregistered", text: flooding(state), remedy: { none: NONE } }],
};

function flooding({ name, mcastSnooping }: BridgeState): string {
  return mcastSnooping
    ? `${name} listens to IGMP and MLD but sends no queries: unless a router on it does, it floods every multicast frame`
    : `${name} does not listen to IGMP and MLD (mcast_snooping 0): every multicast frame goes to every port`;
}
