import { type Cause, changing } from "./cause.ts";
import { ipCommand } from "./setting.ts";

/**
 * hold_time() is forward_delay while the flag is up; the ageing time that the kernel tells is then 2 × forward_delay, and not
 * the one that is configured (__br_set_topology_change()).
 */
export const topologyChange: Cause = {
  notes: (state) =>
    changing(state)
      ? [
          {
            cause: "topology-change",
            text: `a spanning-tree topology change is on: ${state.name} forgets silent addresses after ${state.forwardDelayS} s instead of its ageing time; \`${ipCommand(state.place, "-d", "link", "show", "dev", state.name)}\` shows topology_change and its timer; a port that goes up and down is what starts one`,
            remedy: null,
          },
        ]
      : [],
};
