import type { BridgeState, Port } from "../../../bridge/state.ts";
import { raised } from "../../causes/mtu.ts";
import type { Proposed } from "../../causes/remedy.ts";
import type { Rule } from "./rule.ts";
import { some } from "./rule.ts";

/** is_skb_forwardable() drops what is longer than the egress port's MTU, and tells nobody. */
export const mtuSpread: Rule = {
  name: "mtu-spread",
  judge: (state) => {
    const ports = state.ports.filter(({ up }) => up);
    const least = Math.min(...ports.map(({ mtu }) => mtu));
    const most = Math.max(...ports.map(({ mtu }) => mtu));
    const own = state.mtu;
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
        remedy: raisedAlone(state, small, most) ?? {
          none: small.some(({ vxlan }) => vxlan !== null)
            ? "a VXLAN's MTU has to leave room for its outer headers: the other ports, and the hosts behind them, are to have the smaller one"
            : "one MTU for all ports of a bridge and for the hosts behind them: which of the two is right, whoever made them knows",
        },
      },
    ];
  },
};

/** A port whose other end takes more than the port itself lets by. */
function raisedAlone(state: BridgeState, small: readonly Port[], bytes: number): Proposed {
  const [port, ...others] = small;
  if (port?.peer == null || others.length > 0 || port.peer.mtu < bytes) return null;
  return raised(state, port, bytes);
}

/** br_mtu_auto_adjust(): the smallest port's, unless somebody has set one. */
function sunk({ name }: BridgeState, own: number, least: number, most: number): string {
  return own === least && most > least ? `: with the smallest port ${name} has sunk to it` : "";
}
