/** A frame for somebody behind the port that it came in by, whom it did not pass on its way there: should_deliver(). */

import type { Port } from "../../../bridge/state.ts";
import { homesOf, isOpen, portPhrase } from "../whereabouts.ts";
import type { Loss, LossCause, LossWhy } from "./cause.ts";
import { heldBack } from "./egress.ts";

export const noHairpin: LossCause = (loss, context) => {
  const held = heldBack(loss, context);
  if (held?.hold !== "same-port" || !held.known) return null;
  const { port, state } = held;
  const { source, destination } = loss;
  const homes = homesOf(state, destination);
  // An entry at the wrong port, which is another cause.
  if (homes.some((home) => home.port !== port)) return null;
  if (source === destination) return itself(loss, port);
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

/** br_netfilter has rewritten the destination (br_nf_pre_routing_finish()): a service address stood for the sender. */
function itself({ addresses, source }: Loss, port: Port): LossWhy {
  const ip = addresses.destination === null ? "" : ` and ${addresses.destination}`;
  return {
    ...whyOf(port),
    title: `${portPhrase(port)} sends to itself by another address, as a pod does by that of its service: such frames have to go back by the port they came in by, and its hairpin is off`,
    evidence: [
      `their destination is their source: ${source}${ip}; nobody sends so, and DNAT in the bridge (br_netfilter) makes it`,
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
