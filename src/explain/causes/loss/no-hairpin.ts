/** A frame for somebody behind the port that it came in by, whom it did not pass on its way there: should_deliver(). */

import type { Port } from "../../../bridge/state.ts";
import { homesOf, isOpen, isOwn, portPhrase } from "../whereabouts.ts";
import type { Loss, LossCause, LossContext, LossWhy } from "./cause.ts";
import { choseNone, heldBack } from "./egress.ts";

export const noHairpin: LossCause = (loss, context) => {
  const itself = sentToItself(loss, context);
  if (itself !== null) return itself;
  const held = heldBack(loss, context);
  if (held?.hold !== "same-port" || !held.known) return null;
  const { port, state } = held;
  const { source, destination } = loss;
  // Who sends to its own address, without a service's in between, only lets bridges hear it.
  if (source === destination) return null;
  const homes = homesOf(state, destination);
  // An entry at the wrong port, which is another cause.
  if (homes.some((home) => home.port !== port)) return null;
  // Behind another switch they have met already: this bridge only overhears them.
  if (isOpen(state, port) || homes.length === 0) return null;
  const from = homesOf(state, source);
  const [sender, other] = [from[0], homes[0]];
  if (from.length !== 1 || sender?.port !== port || other === undefined) return null;
  const names = [sender, other].map(({ what }) => what ?? port.peer?.name);
  return {
    ...whyOf(port),
    title: `${names.join(" and ")} (${source}, ${destination}) are both behind ${portPhrase(port)} and reach each other only by way of a hairpin there, which is off`,
    evidence: [
      `both are seen behind ${port.name}: macvlans in mode vepa, and a macvlan and the device below it, send to each other by the wire`,
    ],
  };
};

/**
 * br_netfilter has rewritten the destination (br_nf_pre_routing_finish()): a service's address stood for the sender. It came
 * for the bridge, as what is routed does, and such frames are sent up, or there is no port for them.
 */
export function isSentToItself(loss: Loss, { state }: Pick<LossContext, "state">): boolean {
  const { source, destination, addresses, port: ifindex } = loss;
  if (!choseNone(loss) || addresses.destination === null) return false;
  if (source !== destination && !isOwn(state, destination)) return false;
  const port = state.ports.find((one) => one.ifindex === ifindex);
  if (port === undefined || port.flags.hairpin) return false;
  const ends = port.peer === null ? [] : [port.peer, ...port.peer.uppers];
  return (
    addresses.source === addresses.destination ||
    ends.some((end) => end.addresses.includes(addresses.destination ?? ""))
  );
}

function sentToItself(loss: Loss, { state }: LossContext): LossWhy | null {
  const port = state.ports.find(({ ifindex }) => ifindex === loss.port);
  if (port === undefined || !isSentToItself(loss, { state })) return null;
  return {
    ...whyOf(port),
    title: `${portPhrase(port)} sends to itself by another address, as a pod does by that of its service: such frames have to go back by the port they came in by, and its hairpin is off`,
    evidence: [
      `DNAT in the bridge (br_netfilter) has made ${loss.addresses.destination}, which is behind ${port.name}, of the address that they were sent to`,
    ],
  };
}

function whyOf(port: Port): Omit<LossWhy, "title" | "evidence"> {
  return {
    ...{ kind: "loss", cause: "no-hairpin", basis: "observed", alternatives: [] },
    remedy: {
      change: { set: "hairpin", port, on: true },
      effect: `frames that came in by ${port.name} can leave by it`,
      risk: `whoever is behind ${port.name} gets its own broadcast and multicast back, from which an old IPv6 stack takes its address for a duplicate; what plugs it in (a CNI plugin's hairpinMode) may set it anew`,
    },
  };
}
