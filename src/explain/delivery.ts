/** Where a flow's frames should go: which of its copies reached other ports, and why a frame left nowhere. */

import type { BridgeState, Port } from "../bridge/state.ts";
import type { Collected, Flow } from "../live/collect.ts";
import { groupOf, snooped, wantsGroup } from "./causes/groups.ts";

/** Ports whose other end has an address, be it by a link that sits on it or by a filter; whatever the FDB says. */
export function portsWith({ ports }: BridgeState, address: string): Port[] {
  return ports.filter(
    ({ peer }) =>
      peer !== null &&
      (peer.address === address ||
        peer.filter.includes(address) ||
        peer.uppers.some((upper) => upper.address === address)),
  );
}

/** Ifindexes of the ports that an address lives behind, by its links and by what the FDB has, or had meanwhile. */
export function homesOf(
  state: BridgeState,
  { homes }: Collected,
  address: string,
  vlan: number,
): ReadonlySet<number> {
  return new Set([
    ...[...state.entries, ...homes]
      .filter((entry) => entry.address === address && entry.vlan === vlan && !entry.local)
      .map(({ port }) => port),
    ...portsWith(state, address).map(({ ifindex }) => ifindex),
  ]);
}

/** An address that the bridge takes itself, or took before. */
export function isOwn({ address, ports, formerAddresses }: BridgeState, mac: string): boolean {
  return (
    mac === address || formerAddresses.includes(mac) || ports.some((port) => port.address === mac)
  );
}

/**
 * Unicast that a bridge rightly sends by no port: for the host itself, and what came in by the port that its destination
 * is behind, as an uplink hears all day.
 */
export function isRightlyFiltered(state: BridgeState, collected: Collected, flow: Flow): boolean {
  const { class: kind, destination, vlan, port } = flow;
  if (kind !== "unknownUnicast") return false;
  return (
    isOwn(state, destination) ||
    collected.homes.some((home) => home.local && home.address === destination) ||
    homesOf(state, collected, destination, vlan).has(port)
  );
}

/** Copies that left by ports, none of the host's own. */
export function portCopies({ copies, hostCopies }: Flow): number {
  return copies - hostCopies;
}

/**
 * Who got copies of a flow's frames that should not have them, port by port, with the frames that others sent to the same
 * destination. Of broadcast everybody; of a group whoever is no member and no router; of unicast whoever does not have
 * the address. Where nobody is known to have it, a single port that got all was where the bridge had to send them.
 */
export function strays(
  state: BridgeState,
  collected: Collected,
  flow: Flow,
): { port: number; copies: number; stray: boolean }[] {
  const { destination, vlan } = flow;
  const to = collected.got.filter(
    (one) => one.destination === destination && one.vlan === vlan && one.port !== state.ifindex,
  );
  return to.map(({ port, copies }) => ({ port, copies, stray: isStray(port) }));

  function isStray(port: number): boolean {
    if (flow.class === "broadcast") return true;
    if (flow.class === "multicast") return !wantsGroup(state, port, groupOf(flow), vlan);
    const homes = homesOf(state, collected, destination, vlan);
    return homes.size === 0 ? to.length > 1 : !homes.has(port);
  }
}

const LINK_LOCAL = /^01:80:c2:00:00:0[0-9a-f]$/;

/** Why frames of a flow were not sent by any port, as far as the state tells; null where it does not. */
export function whyNowhere(state: BridgeState, flow: Flow): string | null {
  if (LINK_LOCAL.test(flow.destination)) {
    return "a bridge does not forward frames for link-local groups (01:80:c2:00:00:0x)";
  }
  const from = state.ports.find(({ ifindex }) => ifindex === flow.port);
  if (from !== undefined && from.state !== "forwarding") {
    return `the state of ${from.name} is ${from.state}: frames that come in by it are dropped`;
  }
  const others = state.ports.filter((port) => port !== from || port.flags.hairpin);
  const open = others.filter((port) => port.up && port.carrier && port.state === "forwarding");
  if (open.length === 0) return "no other port is up and forwarding";
  if (from?.flags.isolated && open.every(({ flags }) => flags.isolated)) {
    return `${from.name} is isolated, and so are all other ports`;
  }
  if (flow.class === "multicast" && snooped(state, groupOf(flow), flow.vlan)) {
    const wanting = open.filter(({ ifindex }) =>
      wantsGroup(state, ifindex, groupOf(flow), flow.vlan),
    );
    if (wanting.length === 0) return "nobody on another port has joined the group (snooping)";
  }
  const flag = FLAGS[flow.class];
  if (open.every(({ flags }) => !flags[flag]))
    return `${FLAG_NAMES[flag]} is off at all other ports`;
  const { vlan } = flow;
  if (state.vlanFiltering && !open.some(({ vlans }) => vlans.some(({ vid }) => vid === vlan))) {
    return `no other port is in VLAN ${vlan}`;
  }
  return null;
}

const FLAGS = {
  unknownUnicast: "flood",
  broadcast: "bcastFlood",
  multicast: "mcastFlood",
} as const;
const FLAG_NAMES = {
  flood: "flood",
  bcastFlood: "bcast_flood",
  mcastFlood: "mcast_flood",
} as const;
