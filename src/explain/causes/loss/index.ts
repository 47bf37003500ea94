import { backlog } from "./backlog.ts";
import type { Loss, LossCause, LossContext, LossWhy } from "./cause.ts";
import { floodOff } from "./flood-off.ts";
import { snoopingNoMember } from "./snooping-no-member.ts";
import { vxlanNoRemote } from "./vxlan-no-remote.ts";
import { vxlanWrongRemote } from "./vxlan-wrong-remote.ts";

/** In the order in which they are asked: the first that speaks up has it. A new one is a file and a line here. */
const LOSS_CAUSES: readonly LossCause[] = [
  vxlanNoRemote,
  vxlanWrongRemote,
  backlog,
  snoopingNoMember,
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
