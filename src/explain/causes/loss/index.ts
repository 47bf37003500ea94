import type { Loss, LossCause, LossContext, LossWhy } from "./cause.ts";
import { other } from "./other.ts";
import { vxlanNoRemote } from "./vxlan-no-remote.ts";
import { vxlanWrongRemote } from "./vxlan-wrong-remote.ts";

/** In the order in which they are asked: the first that speaks up has it. A new one is a file and a line here. */
const LOSS_CAUSES: readonly LossCause[] = [vxlanNoRemote, vxlanWrongRemote];

/** Null where a bridge that works drops such frames. */
export function whyLost(loss: Loss, context: LossContext): LossWhy | null {
  for (const cause of LOSS_CAUSES) {
    const why = cause(loss, context);
    if (why !== null) return why === "right" ? null : why;
  }
  return other(loss);
}
