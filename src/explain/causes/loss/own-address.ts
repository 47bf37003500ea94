/** Frames whose source is the bridge's own address or a port's: br_fdb_update() warns of them, and learns nothing. */

import type { BridgeState } from "../../../bridge/state.ts";
import { loopPorts } from "../loop.ts";
import { homePhrase, homesOf, isOwn, portPhrase } from "../whereabouts.ts";
import type { LossCause } from "./cause.ts";

export const ownAddress: LossCause = (loss, { state, collected }) => {
  const { source } = loss;
  const port = state.ports.find(({ ifindex }) => ifindex === loss.port);
  // What the host sends comes in by no port.
  if (port === undefined || loss.behind || !isOwn(state, source)) return null;
  if (state.entries.some(({ address, local }) => address === source && !local)) return null;
  const whose = ownerOf(state, source);
  const [twin] = homesOf(state, source);
  const kernel = `the kernel's log has: ${state.name}: received packet on ${port.name} with own address as source address`;
  if (twin !== undefined) {
    return {
      ...{ kind: "loss", cause: "own-address", basis: "observed", alternatives: [] },
      title: `${source} is the address of ${whose} and of the host behind ${homePhrase(state, twin)}: ${state.name} keeps frames for it to itself`,
      evidence: [kernel],
      remedy: { none: `one of the two needs another address` },
    };
  }
  const looped = loopPorts(state).has(port);
  const sent = collected.ownAddresses.includes(source) || source === state.address;
  return {
    ...{ kind: "loss", cause: "own-address" },
    title: `frames of ${whose} (${source}) come back by ${portPhrase(port)}: something behind it returns what it gets`,
    basis: "observed",
    alternatives: [
      ...(looped ? [] : ["a mirror port, a switch in hairpin mode or a loop beyond"]),
      ...(sent ? [] : [`a host beyond uses ${source} as well`]),
    ],
    evidence: [
      ...(looped
        ? [`${port.name} and another port lead to one other bridge, or to each other`]
        : []),
      kernel,
    ],
    remedy: { none: `what returns them is behind ${port.name}` },
  };
};

function ownerOf(state: BridgeState, address: string): string {
  if (address === state.address) return `${state.name} itself`;
  const port = state.ports.find((one) => one.address === address);
  return port === undefined ? state.name : `its port ${port.name}`;
}
