import type { Remedy } from "../../document/explain.ts";
import type { BridgeState } from "../../live/state.ts";
import { bridgeOption, type Cause, ipCommand } from "./cause.ts";

/** br_multicast_rcv() and br_multicast_querier_exists(): without either every group goes to every port. */
export const multicast: Cause = {
  notes: (state) => {
    if (state.mcastSnooping && state.mcastQuerier) return [];
    const text = state.mcastSnooping
      ? `${state.name} listens to IGMP and MLD but sends no queries: unless a router on it does, it floods every multicast frame`
      : `${state.name} does not listen to IGMP and MLD (mcast_snooping 0): every multicast frame goes to every port`;
    return [{ cause: "multicast-unregistered", text, remedy: remedy(state) }];
  },
};

function remedy(state: BridgeState): Remedy {
  const set = (snooping: boolean, querier: boolean) =>
    bridgeOption(
      state,
      "mcast_snooping",
      Number(snooping).toString(),
      "mcast_querier",
      Number(querier).toString(),
    );
  return {
    command: set(true, true),
    effect:
      "a group's frames go to the ports that joined it, once the first queries are answered (about 10 s)",
    risk: "hosts that use a group without joining it no longer get its frames",
    undo: set(state.mcastSnooping, state.mcastQuerier),
    verify: `${ipCommand(state.place, "-d", "link", "show", "dev", state.name)} shows mcast_snooping 1 and mcast_querier 1`,
  };
}
