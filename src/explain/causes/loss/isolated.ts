/** Two isolated ports have nothing to say to each other: br_skb_isolated(). */

import { portPhrase } from "../whereabouts.ts";
import type { LossCause } from "./cause.ts";
import { heldBack } from "./egress.ts";

export const isolated: LossCause = (loss, context) => {
  const held = heldBack(loss, context);
  const from = held?.state.ports.find(({ ifindex }) => ifindex === loss.port);
  if (held?.hold !== "isolated" || from === undefined) return null;
  const { port, alone } = held;
  const open = alone ? port : from;
  return {
    ...{ kind: "policy", cause: "isolated", basis: "observed", alternatives: [] },
    title: alone
      ? `${portPhrase(from)} and ${portPhrase(port)} are both isolated`
      : `${portPhrase(from)} is isolated, and so is every other port that frames could leave by`,
    evidence: [
      `bridge -d link show dev ${open.name}: isolated on`,
      ...(alone ? [`${loss.destination} is behind ${port.name}`] : []),
    ],
    remedy: {
      change: { set: "isolated", port: open, on: false },
      effect: alone
        ? `${from.name} and ${port.name} exchange frames`
        : `${from.name} exchanges frames with every other port`,
      risk: `so does every isolated port with whoever is behind ${open.name}, from whom somebody has kept it`,
    },
  };
};
