import type { BridgeState } from "../../../bridge/state.ts";
import { users } from "../../causes/cause.ts";
import { goneNotes } from "../../causes/destination-gone.ts";
import { openPorts } from "../../causes/whereabouts.ts";
import { needsPeers, type Rule, some } from "./rule.ts";

/** A permanent neighbour entry for an address that nobody has: where any port's host is not seen it may be there. */
export const destinationGone: Rule = {
  name: "destination-gone",
  judge: (state) =>
    openPorts(state).length > 0
      ? []
      : gone(state).map(({ text, remedy }) => ({
          ...{ severity: "medium", text, remedy },
          evidence: [
            "the neighbour entry is permanent: nobody asks again",
            "all other ends of the bridge's ports were seen",
          ],
        })),
  unjudged: (state, facts) => {
    const open = openPorts(state).map(({ name }) => name);
    if (open.length === 0 || gone(state).length === 0) return null;
    const who = `a permanent neighbour entry has an address that the bridge does not know; whether somebody behind ${some(open)} has it`;
    return needsPeers(state, facts) === null
      ? `${who} is not seen from here`
      : `${who} takes --peers`;
  },
};

function gone(state: BridgeState) {
  // Few are permanent, and all bridges of a namespace have the same neighbours.
  const permanent = state.neighbours.filter((entry) => entry.state === "permanent");
  return permanent.length === 0 ? [] : goneNotes(state, users({ ...state, neighbours: permanent }));
}
