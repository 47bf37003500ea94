import type { BridgeState, FdbEntry, Port, Vxlan } from "../../../bridge/state.ts";
import type { Judgement, Rule } from "./rule.ts";
import { some } from "./rule.ts";

/** The default remote's address in a VXLAN's own table. */
export const ZERO = "00:00:00:00:00:00";
/** vxlan_cleanup() looks through its table so often; until then the two tables may differ. */
const SLACK_S = 20;

/**
 * The bridge sends an address to a VXLAN device that does not know where to send it on: no entry of its own (`self`), and no
 * default remote. vxlan_xmit() drops it (VXLAN_NO_REMOTE).
 */
export const vxlanHalfEntry: Rule = {
  name: "vxlan-half-entry",
  judge: (state) =>
    state.ports.flatMap((port): Judgement[] => {
      const { vxlan } = port;
      if (vxlan === null || hasDefault(vxlan)) return [];
      const known = new Set(vxlan.remotes.map(({ address }) => address));
      const half = state.entries.filter(
        (entry) =>
          entry.port === port.ifindex &&
          !entry.local &&
          !known.has(entry.address) &&
          lasting(state, entry),
      );
      return half.length === 0 ? [] : [judgement(state, port, half)];
    }),
};

/** Frames for an address without an entry go there, or whoever sends them says where to. */
export function hasDefault({ external, group, remotes }: Vxlan): boolean {
  return external || group !== null || remotes.some(({ address }) => address === ZERO);
}

/** An entry that is about to age stands here a little longer than there. */
function lasting({ ageingMs }: BridgeState, entry: FdbEntry): boolean {
  return entry.static || entry.updatedS === null || entry.updatedS < ageingMs / 1000 - SLACK_S;
}

function judgement(state: BridgeState, port: Port, half: readonly FdbEntry[]): Judgement {
  const macs = some([...new Set(half.map(({ address }) => address))]);
  const { name, vxlan } = port;
  return {
    severity: "high",
    text: `${state.name} has ${macs} behind ${name}, but ${name} itself does not know behind which remote, and has no default one: frames for it are lost there`,
    evidence: [
      `\`master\` entry of ${macs} at ${name}, and no \`self\` entry`,
      `${name} (VNI ${vxlan?.vni}) has ${vxlan?.remotes.length ?? 0} entries of its own, none of them for ${ZERO}`,
    ],
    remedy: {
      none: `the remote's address is known to what runs the overlay alone: \`bridge fdb replace MAC dev ${name} dst REMOTE self permanent\` sets the missing half`,
    },
  };
}
