import type { BridgeState } from "../../../bridge/state.ts";
import { vxlanHalfEntry as cause } from "../../causes/vxlan-half-entry.ts";
import type { LintFacts, Rule } from "./rule.ts";

/** The bridge, or a permanent neighbour, says that an address is behind a VXLAN device which has no remote for it: a black hole. */
export const vxlanHalfEntry: Rule = {
  name: "vxlan-half-entry",
  judge: (state, facts) =>
    cause.notes(toldOnce(state, facts)).map(({ text, remedy }) => ({
      ...{ severity: "high", text, remedy },
      evidence: [
        "static entries of the bridge, and permanent neighbours on the device",
        "`bridge fdb show` of the device has no `dst` for them, and no default one",
      ],
    })),
};

/** Devices that are no ports are the same for all bridges of a namespace: they are told at the first that routes there. */
function toldOnce(state: BridgeState, { judged }: LintFacts): BridgeState {
  const first = judged.find(({ addresses }) => addresses.length > 0);
  return first === state ? state : { ...state, vxlans: [] };
}
