/** What holds frames back from a port: should_deliver() and br_flood() of net/bridge/br_forward.c. */

import type { BridgeState, Port } from "../../bridge/state.ts";
import type { FlowClass } from "../../live/collect.ts";
import type { Proposed } from "./remedy.ts";

/** Why frames that came in by one port do not leave by the other, even if that has an entry for them; null where they do. */
export function whyClosed(from: Port | undefined, { name, state, flags }: Port): string | null {
  if (state !== "forwarding") return `the state of ${name} is ${state}`;
  return from?.flags.isolated && flags.isolated
    ? `${from.name} and ${name} are both isolated`
    : null;
}

/** The flag for which a port gets no flooded frames, as it is set; null where it gets them. A group's members get these all the same. */
export function notFlooded({ flags }: Port, kind: FlowClass): string | null {
  if (flags.proxyArp) return "proxy_arp is on";
  const { flag, name } = FLAGS[kind];
  return flags[flag] ? null : `${name} is off`;
}

const FLAGS = {
  unknownUnicast: { flag: "flood", name: "flood" },
  broadcast: { flag: "bcastFlood", name: "bcast_flood" },
  multicast: { flag: "mcastFlood", name: "mcast_flood" },
} as const;

/** At whichever end. */
export function isDown({ up, carrier, peer }: Port): boolean {
  return !up || !carrier || peer?.up === false;
}

/** What such a port is, after its name. */
export function downPhrase({ up }: Port): string {
  return up ? "has no carrier" : "is down";
}

/** Taking up whichever end is down. */
export function raising(state: BridgeState, { name, up, peer, ...port }: Port): Proposed {
  const risk = "whoever took it down meant to: what is behind it is in the network again";
  if (!up) {
    const device = { place: state.place, name, ifindex: port.ifindex, mtu: port.mtu };
    return { change: { set: "up", device }, effect: `${name} forwards`, risk };
  }
  if (peer !== null && !peer.up) {
    const device = { place: peer.namespace, name: peer.name, ifindex: peer.ifindex, mtu: peer.mtu };
    return { change: { set: "up", device }, effect: `${name} has a carrier, and forwards`, risk };
  }
  return {
    none: `nothing here gives ${name} a carrier: its cable, or what holds its other end, does`,
  };
}
