/** Frames of a VLAN that a port is not in: br_allowed_ingress(), br_allowed_egress(). */

import type { Port } from "../../../bridge/state.ts";
import type { Proposed } from "../remedy.ts";
import { portPhrase } from "../whereabouts.ts";
import type { Loss, LossCause, LossWhy } from "./cause.ts";
import { heldBack, isAtIngress, isUnspecified } from "./egress.ts";

const INGRESS = /^(?:__|br_)allowed_ingress\b/;

export const vlanFiltered: LossCause = (loss, context) => {
  const { state } = context;
  if (!state.vlanFiltering) return null;
  const from = state.ports.find(({ ifindex }) => ifindex === loss.port);
  if (from !== undefined && isRefused(loss, from)) return refused(loss, from);
  const held = heldBack(loss, context);
  if (held?.hold !== "vlan") return null;
  const { port, alone } = held;
  return {
    ...policy(),
    title: alone
      ? `${loss.destination} is behind ${portPhrase(port)}, which is not in VLAN ${loss.vlan}`
      : `no other port that forwards is in VLAN ${loss.vlan}`,
    evidence: [`bridge vlan show dev ${port.name}: ${vlansOf(port)}`],
  };
};

function isRefused(loss: Loss, { vlans, pvid }: Port): boolean {
  if (!isAtIngress(loss) || !isUnspecified(loss)) return false;
  const at = loss.where === null || /^br_handle_frame_finish\b/.test(loss.where);
  if (!at && !INGRESS.test(loss.where ?? "")) return false;
  return loss.vlan === 0 ? pvid === null : !vlans.some(({ vid }) => vid === loss.vlan);
}

function refused({ vlan }: Loss, from: Port): LossWhy {
  return {
    ...policy(),
    title:
      vlan === 0
        ? `${portPhrase(from)} has no PVID: frames without a tag that come in by it are dropped`
        : `${portPhrase(from)} is not in VLAN ${vlan}: frames of it that come in there are dropped`,
    evidence: [`bridge vlan show dev ${from.name}: ${vlansOf(from)}`],
  };
}

function policy(): Pick<LossWhy, "kind" | "cause" | "basis" | "alternatives"> & {
  remedy: Proposed;
} {
  return {
    ...{ kind: "policy", cause: "vlan-filtered", basis: "observed", alternatives: [] },
    remedy: { none: "who may be in which VLAN is for whoever keeps them apart to say" },
  };
}

function vlansOf({ vlans, pvid }: Port): string {
  if (vlans.length === 0) return "no VLAN";
  const shown = vlans.slice(0, 8).map(({ vid }) => (vid === pvid ? `${vid} PVID` : String(vid)));
  const more = vlans.length > 8 ? ` and ${vlans.length - 8} more` : "";
  return `${shown.join(", ")}${more}`;
}
