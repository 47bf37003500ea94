/** Frames that would be flooded, while a flag holds them back at every port that they could leave by. */

import type { FdbEntry, Port } from "../../../bridge/state.ts";
import type { FlowClass } from "../../../live/collect.ts";
import { groupOf, wantsGroup } from "../groups.ts";
import { notFlooded } from "../reach.ts";
import { entriesOf } from "../whereabouts.ts";
import type { LossCause } from "./cause.ts";

export const floodOff: LossCause = (loss, { state, collected }) => {
  const { class: kind, port, at, behind, destination, vlan } = loss;
  if (behind || at !== port) return null;
  const flooded: FlowClass = kind === "unicast" ? "unknownUnicast" : kind;
  const from = state.ports.find(({ ifindex }) => ifindex === port);
  if (from !== undefined && from.state !== "forwarding") return null;
  // The known are most of a busy bridge's, and one open port most of what there is to ask.
  const known = [state.entries, collected.homes].some(
    (entries) => entriesOf<Entry>(entries, destination, vlan).length > 0,
  );
  if (kind === "unicast" && known) return null;
  const isOpen = (other: Port) =>
    (other !== from || other.flags.hairpin) &&
    other.up &&
    other.carrier &&
    other.state === "forwarding";
  // Members and routers get a group's frames all the same.
  const gets = (other: Port) =>
    isOpen(other) &&
    (notFlooded(other, flooded) === null ||
      (kind === "multicast" && wantsGroup(state, other.ifindex, groupOf(loss), vlan)));
  if (state.ports.some(gets)) return null;
  const flags = [...new Set(state.ports.filter(isOpen).map((one) => notFlooded(one, flooded)))];
  if (flags.length === 0) return null;
  return {
    ...{ kind: "policy", cause: "flood-off", basis: "observed", alternatives: [], remedy: null },
    title: `${flags.join(" or ")} at all other ports: ${WHAT[flooded]}`,
    evidence: [],
  };
};

type Entry = Pick<FdbEntry, "address" | "vlan">;

const WHAT: Record<FlowClass, string> = {
  unknownUnicast: "frames for an address without an entry leave by none",
  broadcast: "broadcast leaves by none",
  multicast: "frames for a group that nobody there has joined leave by none",
};
