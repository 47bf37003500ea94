/** Where a flow's frames should go, and which of its copies reached other ports. */

import type { BridgeState } from "../../bridge/state.ts";
import type { Collected, Flow } from "../../live/collect.ts";
import { groupBy } from "../../text/group-by.ts";
import { groupOf, wantsGroup } from "../causes/groups.ts";
import { homesByAddress, isOpen, isOwn, virtualAddress } from "../causes/whereabouts.ts";

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
   * Ports that an address is behind, by the FDB now or at any time meanwhile, and by what is seen behind them; the bridge's
   * own for what sits on the bridge device.
   */
  portsOf(address: string, vlan: number): ReadonlySet<number>;
  /** Those of them where its host is seen. */
  seenAt(address: string): readonly number[];
  /** Frames for it are the host's: the bridge's own, one of its ports', or one that it had meanwhile. */
  isHosts(address: string): boolean;
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
  const seenAt = (address: string) =>
    new Set((seen.get(address) ?? []).map(({ port }) => port?.ifindex ?? state.ifindex));
  const portsOf = (address: string, vlan: number) =>
    new Set([
      ...(entries.get(`${address} ${vlan}`) ?? []).map(({ port }) => port),
      ...seenAt(address),
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
    portsOf,
    seenAt: (address) => [...seenAt(address)],
    isHosts: (address) => isOwn(state, address) || own.has(address),
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
export function portCopies({ copies, hostCopies }: Pick<Flow, "copies" | "hostCopies">): number {
  return copies - hostCopies;
}
