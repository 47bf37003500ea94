import { backlog } from "./backlog.ts";
import type { Loss, LossCause, LossContext, LossWhy } from "./cause.ts";
import { floodOff } from "./flood-off.ts";
import { isolated } from "./isolated.ts";
import { linkLocal } from "./link-local.ts";
import { lockedPort } from "./locked-port.ts";
import { mtu } from "./mtu.ts";
import { netfilter } from "./netfilter.ts";
import { noHairpin } from "./no-hairpin.ts";
import { ownAddress } from "./own-address.ts";
import { portDown } from "./port-down.ts";
import { snoopingNoMember } from "./snooping-no-member.ts";
import { stpState } from "./stp-state.ts";
import { vlanFiltered } from "./vlan-filtered.ts";
import { vxlanNoRemote } from "./vxlan-no-remote.ts";
import { vxlanWrongRemote } from "./vxlan-wrong-remote.ts";
import { wrongPort } from "./wrong-port.ts";

/** In the order in which they are asked: the first that speaks up has it. A new one is a file and a line here. */
const LOSS_CAUSES: readonly LossCause[] = [
  netfilter,
  vxlanNoRemote,
  vxlanWrongRemote,
  backlog,
  stpState,
  linkLocal,
  lockedPort,
  ownAddress,
  snoopingNoMember,
  mtu,
  portDown,
  isolated,
  noHairpin,
  vlanFiltered,
  wrongPort,
  floodOff,
];

/** `right` where a bridge that works drops such frames; null where no cause speaks up. */
export function whyLost(loss: Loss, context: LossContext): LossWhy | "right" | null {
  for (const cause of LOSS_CAUSES) {
    const why = cause(loss, context);
    if (why !== null) return why;
  }
  return null;
}
