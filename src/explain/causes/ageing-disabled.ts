import type { Cause } from "./cause.ts";

/** br_fdb_update() returns at once where hold_time() is 0: nothing is learned, every unicast frame is flooded. */
export const ageingDisabled: Cause = {
  notes: (state) =>
    state.ageingMs > 0
      ? []
      : [
          {
            cause: "ageing-disabled",
            text: `${state.name} has an ageing time of 0: it learns no address, and floods every unicast frame for which nobody has set an entry`,
            remedy: {
              change: { set: "ageing", ms: 300_000 },
              effect: "addresses are learned from the next frame on, and kept for 300 s",
              risk: "frames that were meant to be seen by all ports (a mirror made of the bridge) no longer are",
            },
          },
        ],
};
