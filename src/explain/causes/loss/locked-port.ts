/** A locked port takes frames only of sources whose entry is there: br_handle_frame_finish(). */

import { admit } from "../locked-port.ts";
import { portPhrase } from "../whereabouts.ts";
import type { LossCause } from "./cause.ts";
import { isAtIngress, isUnspecified } from "./egress.ts";

export const lockedPort: LossCause = (loss, { state, collected }) => {
  const { source, vlan, where } = loss;
  const port = state.ports.find(({ ifindex }) => ifindex === loss.port);
  if (!port?.flags.locked || !isAtIngress(loss)) return null;
  if (where !== null && !/^br_handle_frame_finish\b/.test(where)) return null;
  if (!isUnspecified(loss)) return null;
  const isOf = (one: { address: string; vlan: number }) =>
    one.address === source && one.vlan === vlan;
  const entry = state.entries.find(isOf);
  if (entry?.port === port.ifindex && !entry.local) return null;
  // It had one for a while: what it sent then has passed.
  const meanwhile = collected.homes.some((one) => isOf(one) && one.port === port.ifindex);
  const elsewhere = state.ports.find(({ ifindex }) => ifindex === entry?.port);
  return {
    ...{ kind: "policy", cause: "locked-port", basis: "observed", alternatives: [] },
    title: `${portPhrase(port)} is locked: frames of a source that has no entry there are dropped`,
    evidence: [
      entry === undefined
        ? `${source} ${meanwhile ? "has no entry any more" : "has no entry"}`
        : `the entry of ${source} is at ${elsewhere?.name ?? state.name}, and a locked port takes none over`,
    ],
    remedy: entry === undefined ? admit(port, source, vlan) : null,
  };
};
