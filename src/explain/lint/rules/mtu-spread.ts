import type { BridgeState, Port } from "../../../bridge/state.ts";
import type { Rule } from "./rule.ts";
import { some } from "./rule.ts";

/** is_skb_forwardable() drops what is longer than the egress port's MTU, and tells nobody. */
export const mtuSpread: Rule = {
  name: "mtu-spread",
  judge: (state, { links }) => {
    const ports = state.ports.filter(({ up }) => up);
    const least = Math.min(...ports.map(({ mtu }) => mtu));
    const most = Math.max(...ports.map(({ mtu }) => mtu));
    const own = links.get(state.ifindex)?.mtu ?? least;
    if (ports.length === 0 || (most <= least && own <= least)) return [];
    const small = ports.filter(({ mtu }) => mtu === least);
    const large = ports.filter(({ mtu }) => mtu === most);
    const names = (some_: readonly Port[]) => some(some_.map(({ name }) => name));
    const from = most > least ? `${names(large)} (${most})` : `the host (${state.name}, ${own})`;
    return [
      {
        severity: "medium",
        text: `packets of more than ${least} bytes do not leave by ${names(small)}, which has an MTU of ${least}, though ${from} can send them: the bridge drops them and tells nobody; TCP is not hit where both ends know their own MTU`,
        evidence: [
          `MTU ${least}: ${names(small)}`,
          `MTU ${most}: ${names(large)}`,
          `MTU ${own}: ${state.name} itself${sunk(state, own, least, most)}`,
        ],
        remedy: {
          none: small.some(({ vxlan }) => vxlan !== null)
            ? "a VXLAN's MTU has to leave room for its outer headers: the other ports, and the hosts behind them, are to have the smaller one"
            : "one MTU for all ports of a bridge and for the hosts behind them: which of the two is right, whoever made them knows",
        },
      },
    ];
  },
};

/** br_mtu_auto_adjust(): the smallest port's, unless somebody has set one. */
function sunk({ name }: BridgeState, own: number, least: number, most: number): string {
  return own === least && most > least ? `: with the smallest port ${name} has sunk to it` : "";
}
