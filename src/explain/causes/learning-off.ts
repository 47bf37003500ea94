import type { BridgeState, Port } from "../../bridge/state.ts";
import type { Cause, CauseNote } from "./cause.ts";
import { allHomes, isOpen, portPhrase } from "./whereabouts.ts";

/** Frames are flooded to whoever sits behind a port that does not learn, unless an entry was set by hand. */
export const learningOff: Cause = {
  notes: (state) =>
    state.ports
      .filter((port) => !port.flags.learning && !port.flags.locked && !allSet(state, port))
      .map(learningNote),
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

/** Whoever can be behind it has an entry that never ages. */
function allSet(state: BridgeState, port: Port): boolean {
  if (isOpen(state, port)) return false;
  const homes = allHomes(state).filter((home) => home.port?.ifindex === port.ifindex);
  return homes.every(({ address }) =>
    state.entries.some((entry) => entry.address === address && entry.static),
  );
}
