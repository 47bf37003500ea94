/** What ports are called, which flooded frames each gets, and what decides it: should_deliver() and br_flood() of net/bridge/br_forward.c. */

import { portName } from "../../bridge/port-name.ts";
import type { BridgeState, Port } from "../../bridge/state.ts";
import type { Finding, PortVerdict } from "../../document/explain.ts";
import type { Flow } from "../../live/collect.ts";
import { notFlooded } from "../causes/reach.ts";
import { portPhrase } from "../causes/whereabouts.ts";

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
  if (port.flags.proxyArp)
    why.push("proxy_arp on: no flooded frame of any kind, and no multicast that it did not join");
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
      unknownUnicast: open && notFlooded(port, "unknownUnicast") === null,
      broadcast: open && notFlooded(port, "broadcast") === null,
      multicast: open && notFlooded(port, "multicast") === null,
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

/** Names of ports, of those that are gone since too. */
export interface KnownPorts {
  of(ifindex: number): NonNullable<Finding["ingressPort"]>;
  /** `port pa (container web)`. */
  phrase(ifindex: number): string;
  /** `02:00:00:00:00:01 behind port pa (container web)`. */
  sender(flow: Pick<Flow, "source" | "port">): string;
}

/** By what was read last, and first of those that are gone since. */
export function knownPorts(state: BridgeState, before: BridgeState): KnownPorts {
  const find = (ports: readonly Port[], ifindex: number) =>
    ports.find((port) => port.ifindex === ifindex);
  const phrase = (ifindex: number) => {
    if (ifindex === state.ifindex) return "the host itself";
    if (ifindex === 0) return JOINED;
    const port = find(state.ports, ifindex);
    if (port !== undefined) return portPhrase(port);
    const gone = find(before.ports, ifindex);
    return gone === undefined
      ? `a port that is gone (ifindex ${ifindex})`
      : `port ${gone.name} (${[gone.owner?.label ?? [], "gone"].flat().join(", ")})`;
  };
  return {
    of: (ifindex) => {
      const port = find(state.ports, ifindex) ?? find(before.ports, ifindex);
      const name = port?.name ?? (ifindex === 0 ? JOINED : portName(state, ifindex));
      return { name, ifindex, owner: port?.owner?.label ?? null };
    },
    phrase,
    sender: ({ source, port }) =>
      port === state.ifindex ? `${source}, the host itself,` : `${source} behind ${phrase(port)}`,
  };
}

/** Its ifindex was not known to the probes. */
const JOINED = "a port that joined meanwhile";
