import type { BridgeState } from "../../bridge/state.ts";
import type { Flow } from "../../live/collect.ts";
import { entryAt, type Why } from "./cause.ts";
import { homePhrase, onlyHome } from "./whereabouts.ts";

/** Fewer advances may be of answers that came before the entry went. */
const ENOUGH = 3;

/**
 * The destination answers, or the sender would have nothing to acknowledge, and yet no frame of it comes in here:
 * its answers take another way, and this bridge can never learn where it is.
 */
export function asymmetricPath(
  state: BridgeState,
  { source, destination, acknowledged, vlan }: Flow,
): Why | null {
  if (acknowledged < ENOUGH) return null;
  const home = onlyHome(state, destination);
  const where =
    home === undefined ? destination : `${destination} behind ${homePhrase(state, home)}`;
  return {
    cause: "asymmetric-path",
    title: `${where} answers ${source} by another way than this bridge, which therefore never learns it: the TCP acknowledgements of ${source} advanced ${acknowledged} times, and no frame of ${destination} came in meanwhile`,
    basis: "inferred",
    alternatives: ["somebody else answers in its place, with another MAC address"],
    remedy: home === undefined ? null : entryAt(home, vlan),
  };
}
