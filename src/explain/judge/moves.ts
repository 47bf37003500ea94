/** Addresses that move between ports. */

import type { BridgeState } from "../../bridge/state.ts";
import type { Below, Finding } from "../../document/explain.ts";
import type { Collected } from "../../live/collect.ts";
import { whyMoving } from "../causes/mac-duplicate.ts";
import { grouped, sum } from "../causes/peak.ts";
import type { Proposed } from "../causes/remedy.ts";
import type { KnownPorts } from "./ports.ts";

/** A finding as its cause proposes it. */
export type Draft = Omit<Finding, "remedy" | "noRemedy"> & { remedy: Proposed };

/** An address that was learned at one port after the other. */
export interface Moving {
  address: string;
  vlan: number;
  to: Collected["moves"];
  moves: number;
  /** Over all of the time. */
  perSecond: number;
}

export function movesOf({ moves, seconds }: Collected): Moving[] {
  return grouped(moves, ({ address, vlan }) => `${address} ${vlan}`).flatMap((to) => {
    const [first] = to;
    if (first === undefined) return [];
    const total = sum(to, ({ moves: many }) => many);
    const { address, vlan } = first;
    // A few within a fraction of a second are no rate.
    return [{ address, vlan, to, moves: total, perSecond: total / Math.max(1, seconds) }];
  });
}

/** Its frames go to whichever port it was learned at last; copies of it are not counted. */
export function flapping(
  state: BridgeState,
  { seconds }: Collected,
  ports: KnownPorts,
  moving: Moving,
): Draft {
  const { address, vlan, to, moves, perSecond } = moving;
  const names = to.map(({ port }) => ports.of(port).name);
  return {
    kind: "flood",
    ...whyMoving(state, moving, ports.of),
    severity: "medium",
    ...{ source: address, destination: null, vlan, ingressPort: null },
    addresses: { source: null, destination: null },
    ...{ protocol: null, sourcePort: null, destinationPort: null },
    since: "before attach",
    ...{ frames: moves, copies: 0, bytes: 0, framesPerSecond: perSecond, copiesPerSecond: 0 },
    ...{ lost: 0, where: null, reason: null, victims: [], captures: [] },
    evidence: [
      `${moves} moves in ${seconds.toFixed(1)} s (tracepoint bridge:br_fdb_update): ${to.map(({ moves: many }, index) => `${many} to ${names[index]}`).join(", ")}`,
    ],
  };
}

/** A finding of an address that moves: its frames are moves. */
export function isMoves({ ingressPort }: Pick<Finding, "ingressPort">): boolean {
  return ingressPort === null;
}

export function belowMoving(
  ports: KnownPorts,
  { address, vlan, to, moves, perSecond }: Moving,
): Below {
  const [first] = to;
  return {
    ...{ kind: "moves", class: null, source: address, destination: null, vlan },
    ingressPort: first === undefined ? null : ports.of(first.port),
    ...{ frames: moves, copies: 0, framesPerSecond: perSecond, copiesPerSecond: 0 },
  };
}
