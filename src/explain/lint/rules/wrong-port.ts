import type { Proposed } from "../../causes/remedy.ts";
import { wrongPort as cause } from "../../causes/wrong-port.ts";
import { needsPeers, type Rule } from "./rule.ts";

/** An entry points to another port than its host is behind; what was set by hand stays wrong until somebody mends it. */
export const wrongPort: Rule = {
  name: "wrong-port",
  judge: (state) =>
    cause.notes(state).map(({ text, remedy }) => ({
      ...{ severity: byHand(remedy) ? "high" : "medium", text, remedy },
      evidence: ["the bridge's entry, and the addresses at the other ends of its ports"],
    })),
  unjudged: needsPeers,
};

function byHand(remedy: Proposed): boolean {
  if (remedy === null || "none" in remedy) return false;
  const { change } = remedy;
  return change.set === "entry" && change.kind === "static";
}
