/** Where a flow's frames should go: which of its copies reached other ports, and why a frame left nowhere. */

import type { BridgeState, Port } from "../bridge/state.ts";
import type { Collected, Flow } from "../live/collect.ts";
import { groupOf, snooped, wantsGroup } from "./causes/groups.ts";
import { notFlooded } from "./causes/reach.ts";
import { homesByAddress, isOpen, isOwn, virtualAddress } from "./causes/whereabouts.ts";
import { groupBy } from "./peak.ts";

/** Copies of frames for a flow's destination that left by a port, with those of others that send there. */
interface Copies {
  port: number;
  copies: number;
  /** The port should not have got them. */
  stray: boolean;
}

export interface Delivery {
  /**
   * Of broadcast every copy is a stray; of a group those at ports that are no member's and no router's; of unicast those at
   * ports that the address is not behind. Where it is behind none that is known, a single port that got all may be where it
   * lives, unless all that is behind that port is seen: of a port that is gone it is not.
   */
  copiesOf(flow: Flow): Copies[];
  /**
   * Unicast that a bridge rightly sends by no port: for the host itself, and what came in by the port that its destination
   * is behind, as an uplink hears all day.
   */
  isRightlyFiltered(flow: Flow): boolean;
  /**
   * Its source lives behind other ports than the one it came in by, by what is seen there: entries move with such frames.
   * Of a port that is gone, or that is not known yet, that cannot be told, nor of an address that several share.
   */
  isAstray(flow: Flow): boolean;
  /** Where a source lives, in words. */
  homeNames(source: string): string;
}

/** For a bridge and all that was counted. */
export function deliveryOf(state: BridgeState, collected: Collected): Delivery {
  const seen = homesByAddress(state);
  const got = groupBy(
    collected.got.filter(({ port }) => port !== state.ifindex),
    ({ destination, vlan }) => `${destination} ${vlan}`,
  );
  // What the FDB has, and had meanwhile.
  const entries = groupBy(
    [...state.entries, ...collected.homes].filter(({ local }) => !local),
    ({ address, vlan }) => `${address} ${vlan}`,
  );
  const own = new Set([
    ...state.formerAddresses,
    ...collected.homes.filter(({ local }) => local).map(({ address }) => address),
  ]);
  const seenWhole = new Set(
    state.ports.filter((port) => !isOpen(state, port)).map(({ ifindex }) => ifindex),
  );
  const forwards = new Set(state.ports.map(({ ifindex }) => ifindex));
  const portsOf = (address: string, vlan: number) =>
    new Set([
      ...(entries.get(`${address} ${vlan}`) ?? []).map(({ port }) => port),
      ...(seen.get(address) ?? []).map(({ port }) => port?.ifindex ?? state.ifindex),
    ]);
  const isStray = (flow: Flow, several: boolean): ((port: number) => boolean) => {
    const { class: kind, destination, vlan } = flow;
    if (kind === "broadcast") return () => true;
    if (kind === "multicast") return (port) => !wantsGroup(state, port, groupOf(flow), vlan);
    const homes = portsOf(destination, vlan);
    if (homes.size > 0) return (port) => !homes.has(port);
    if (several || virtualAddress(destination) !== null) return () => several;
    return (port) => seenWhole.has(port);
  };
  return {
    copiesOf: (flow) => {
      const to = got.get(`${flow.destination} ${flow.vlan}`) ?? [];
      const stray = isStray(flow, to.length > 1);
      return to.map(({ port, copies }) => ({ port, copies, stray: stray(port) }));
    },
    isRightlyFiltered: ({ class: kind, destination, vlan, port }) =>
      kind === "unknownUnicast" &&
      (isOwn(state, destination) || own.has(destination) || portsOf(destination, vlan).has(port)),
    isAstray: ({ source, port }) => {
      if (!forwards.has(port) || virtualAddress(source) !== null) return false;
      const homes = seen.get(source) ?? [];
      if (homes.length === 0) return isOwn(state, source);
      return homes.every((home) => home.port?.ifindex !== port);
    },
    homeNames: (source) => {
      const names = (seen.get(source) ?? []).flatMap((home) => home.port?.name ?? []);
      return names.length === 0 ? `${state.name} itself` : names.join(" and ");
    },
  };
}

/** Copies that left by ports, none of the host's own. */
export function portCopies({ copies, hostCopies }: Flow): number {
  return copies - hostCopies;
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
  const flags = open.map((port) => notFlooded(port, flow.class));
  if (flags.every((flag) => flag !== null)) {
    return `${[...new Set(flags)].join(" or ")} at all other ports`;
  }
  const { protocol } = flow.addresses;
  if (flow.class === "broadcast" && protocol === "ARP" && open.every(suppresses)) {
    return "neigh_suppress is on at all other ports: the bridge answers itself for the neighbours that it knows";
  }
  const { vlan } = flow;
  if (state.vlanFiltering && !open.some(({ vlans }) => vlans.some(({ vid }) => vid === vlan))) {
    return `no other port is in VLAN ${vlan}`;
  }
  return null;
}

function suppresses({ flags }: Port): boolean {
  return flags.neighSuppress;
}
