/** All frames for a host go to a port that it is not behind: nothing was dropped there, and nothing gets to it. */

import { misplaced } from "../wrong-port.ts";
import type { LossCause } from "./cause.ts";
import { heldBack } from "./egress.ts";

export const wrongPort: LossCause = (loss, context) => {
  const { destination, vlan, class: kind, behind, at } = loss;
  if (kind !== "unicast") return null;
  const [found] = misplaced(context.state, destination).filter(({ entry }) => entry.vlan === vlan);
  if (found === undefined) return null;
  const { note, entry } = found;
  const name = context.state.ports.find(({ ifindex }) => ifindex === entry.port)?.name;
  const gone = behind && at === entry.port;
  // Dropped at a port of which it is right that it does not get them.
  const held = heldBack(loss, context);
  if (!gone && held?.port.ifindex !== entry.port) return null;
  return {
    ...{ kind: "loss", cause: "wrong-port", title: note.text, basis: "observed" },
    ...{ alternatives: [], remedy: note.remedy },
    evidence: [
      `bridge fdb show br ${context.state.name}: ${destination} dev ${name} ${entry.static ? "static" : "(learned)"}`,
    ],
  };
};
