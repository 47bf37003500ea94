import { vxlanStaleRemote as cause } from "../../causes/vxlan-stale-remote.ts";
import type { Rule } from "./rule.ts";

/** A default remote that nobody is any more: each flooded frame leaves once more for nothing. */
export const vxlanStaleRemote: Rule = {
  name: "vxlan-stale-remote",
  judge: (state) =>
    cause.notes(state).map(({ text, remedy }) => ({
      ...{ severity: "low", text, remedy },
      evidence: [
        "the device's own FDB, and the neighbour table of the namespace that its packets leave by",
      ],
    })),
};
