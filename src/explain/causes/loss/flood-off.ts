/** Frames that would be flooded, while a flag holds them back at every port that they could leave by. */

import type { FlowClass } from "../../../live/collect.ts";
import { groupOf, wantsGroup } from "../groups.ts";
import { notFlooded } from "../reach.ts";
import type { LossCause } from "./cause.ts";

export const floodOff: LossCause = (loss, { state, collected }) => {
  const { class: kind, port, at, behind, destination, vlan } = loss;
  if (behind || at !== port) return null;
  const flooded: FlowClass = kind === "unicast" ? "unknownUnicast" : kind;
  const from = state.ports.find(({ ifindex }) => ifindex === port);
  if (from !== undefined && from.state !== "forwarding") return null;
  const open = state.ports.filter(
    (other) =>
      (other !== from || other.flags.hairpin) &&
      other.up &&
      other.carrier &&
      other.state === "forwarding",
  );
  if (open.length === 0) return null;
  // Members and routers get a group's frames all the same.
  const joined = open.some(({ ifindex }) => wantsGroup(state, ifindex, groupOf(loss), vlan));
  if (kind === "multicast" && joined) return null;
  const flags = [...new Set(open.map((other) => notFlooded(other, flooded)))];
  if (flags.includes(null)) return null;
  const known = [...state.entries, ...collected.homes].some(
    (entry) => entry.address === destination && entry.vlan === vlan,
  );
  if (kind === "unicast" && known) return null;
  return {
    ...{ kind: "policy", cause: "flood-off", basis: "observed", alternatives: [], remedy: null },
    title: `${flags.join(" or ")} at all other ports: ${WHAT[flooded]}`,
    evidence: [],
  };
};

const WHAT: Record<FlowClass, string> = {
  unknownUnicast: "frames for an address without an entry leave by none",
  broadcast: "broadcast leaves by none",
  multicast: "frames for a group that nobody there has joined leave by none",
};
