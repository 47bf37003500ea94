import { type Cause, portPhrase } from "./cause.ts";

/** Frames are flooded to whoever sits behind a port that does not learn, unless an entry was set by hand. */
export const learningOff: Cause = {
  notes: (state) =>
    state.ports
      .filter((port) => !port.flags.learning && !port.flags.locked)
      .map((port) => ({
        cause: "learning-off",
        text: `${portPhrase(port)} does not learn: frames for addresses behind it are flooded, unless they have an entry that was set by hand`,
        remedy: {
          change: { set: "learning", port, on: true },
          effect: `addresses behind ${port.name} are learned from their next frame on`,
          risk: "whatever turned it off (a controller that sets the entries itself) may want it off; addresses that it set stay",
        },
      })),
};
