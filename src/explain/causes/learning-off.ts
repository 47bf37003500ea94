import type { Port } from "../../bridge/state.ts";
import type { Cause, CauseNote } from "./cause.ts";
import { allHomes, openPorts, portPhrase } from "./whereabouts.ts";

/** Frames are flooded to whoever sits behind a port that does not learn, unless an entry was set by hand. */
export const learningOff: Cause = {
  notes: (state) => {
    const ports = state.ports.filter(({ flags }) => !flags.learning && !flags.locked);
    if (ports.length === 0) return [];
    const set = new Set(state.entries.filter((one) => one.static).map(({ address }) => address));
    // Those behind which somebody has, or may have, no entry that stays.
    const lacking = new Set([
      ...openPorts(state),
      ...allHomes(state).flatMap(({ port, address }) => (set.has(address) ? [] : port)),
    ]);
    return ports.filter((port) => lacking.has(port)).map(learningNote);
  },
};

export function learningNote(port: Port): CauseNote {
  return {
    cause: "learning-off",
    text: `${portPhrase(port)} does not learn: frames for addresses behind it are flooded, unless they have an entry that was set by hand`,
    remedy: {
      change: { set: "learning", port, on: true },
      effect: `addresses behind ${port.name} are learned from their next frame on`,
      risk: "whatever turned it off (a controller that sets the entries itself) may want it off; addresses that it set stay",
    },
  };
}
