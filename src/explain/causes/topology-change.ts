import type { Cause } from "./cause.ts";
import { ipCommand } from "./remedy.ts";

/** br_topology_change_detection() shortens the ageing time to forward_delay while the flag is up. */
export const topologyChange: Cause = {
  notes: (state) =>
    state.stp && state.topologyChange
      ? [
          {
            cause: "topology-change",
            text: `a spanning-tree topology change is on: ${state.name} forgets silent addresses after ${state.forwardDelayS} s instead of ${state.ageingMs / 1000} s; \`${ipCommand(state.place, "-d", "link", "show", "dev", state.name)}\` shows topology_change and its timer; a port that goes up and down is what starts one`,
            remedy: null,
          },
        ]
      : [],
};
