import type { Loss, LossCause, LossContext, LossWhy } from "./cause.ts";
import { isolated } from "./isolated.ts";
import { linkLocal } from "./link-local.ts";
import { lockedPort } from "./locked-port.ts";
import { mtu } from "./mtu.ts";
import { noHairpin } from "./no-hairpin.ts";
import { other } from "./other.ts";
import { ownAddress } from "./own-address.ts";
import { portDown } from "./port-down.ts";
import { stpState } from "./stp-state.ts";
import { vlanFiltered } from "./vlan-filtered.ts";
import { wrongPort } from "./wrong-port.ts";

/** In the order in which they are asked: the first that speaks up has it. A new one is a file and a line here. */
const LOSS_CAUSES: readonly LossCause[] = [
  stpState,
  linkLocal,
  lockedPort,
  ownAddress,
  mtu,
  portDown,
  isolated,
  noHairpin,
  vlanFiltered,
  wrongPort,
];

/** Null where a bridge that works drops such frames. */
export function whyLost(loss: Loss, context: LossContext): LossWhy | null {
  for (const cause of LOSS_CAUSES) {
    const why = cause(loss, context);
    if (why !== null) return why === "right" ? null : why;
  }
  return other(loss);
}
