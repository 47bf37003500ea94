/** Which flooded frames a port gets, and what decides it: should_deliver() and br_flood() of net/bridge/br_forward.c. */

import type { BridgeState, Port } from "../bridge/state.ts";
import type { PortVerdict } from "../document/explain.ts";

export function portVerdicts(state: BridgeState): PortVerdict[] {
  return [hostVerdict(state), ...state.ports.map((port) => portVerdict(state, port))];
}

/** The bridge device itself. */
function hostVerdict(state: BridgeState): PortVerdict {
  const promiscuous = state.promiscuity > 0;
  const why = [
    "the host hears broadcast, and multicast that it joined or that nobody is known to have joined",
    promiscuous
      ? "it is promiscuous (a capture, or `ip link set … promisc on`): it hears every frame, flooded or not"
      : "it is not promiscuous: of unicast it hears its own alone",
    ...(state.up ? [] : ["the bridge is down: it forwards nothing"]),
  ];
  const { up } = state;
  const gets = { unknownUnicast: up && promiscuous, broadcast: up, multicast: up };
  return { name: "host", ifindex: state.ifindex, owner: null, gets, why };
}

function portVerdict(state: BridgeState, port: Port): PortVerdict {
  const why: string[] = [];
  const open = state.up && port.up && port.carrier && port.state === "forwarding";
  if (!state.up) why.push("the bridge is down");
  if (!port.up) why.push("the port is down");
  else if (!port.carrier) why.push("its other end is down: no carrier");
  if (port.state !== "forwarding") {
    why.push(
      `its state is ${port.state}${state.stp ? " (spanning tree)" : ""}: only a forwarding port gets frames`,
    );
  }
  if (!port.flags.flood) why.push("flood off: no unknown unicast");
  if (!port.flags.bcastFlood) why.push("bcast_flood off: no broadcast");
  if (!port.flags.mcastFlood) why.push("mcast_flood off: no multicast that it did not join");
  if (port.flags.isolated) why.push("isolated: nothing from other isolated ports");
  if (port.flags.hairpin) why.push("hairpin on: it gets even what came in by itself");
  if (port.flags.neighSuppress)
    why.push("neigh_suppress on: ARP that the bridge can answer is not flooded to it");
  if (port.flags.locked) why.push("locked: it gets frames, but only known sources may send");
  if (state.vlanFiltering) why.push(`only frames of ${vlans(port)}`);
  if (why.length === 0) why.push("nothing holds flooded frames back");
  return {
    name: port.name,
    ifindex: port.ifindex,
    owner: port.owner?.label ?? null,
    gets: {
      unknownUnicast: open && port.flags.flood,
      broadcast: open && port.flags.bcastFlood,
      multicast: open && port.flags.mcastFlood,
    },
    why,
  };
}

function vlans(port: Port): string {
  if (port.vlans.length === 0) return "no VLAN at all";
  const shown = port.vlans.slice(0, 8).map(({ vid }) => String(vid));
  const more = port.vlans.length > 8 ? ` and ${port.vlans.length - 8} more` : "";
  return `VLAN ${shown.join(", ")}${more}`;
}
