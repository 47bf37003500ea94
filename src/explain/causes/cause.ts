/** What a cause's file says: it reads the state of a bridge and speaks up where netlink alone shows the cause. */

import type { BridgeState, Port } from "../../bridge/state.ts";
import type { Finding } from "../../document/explain.ts";
import type { Proposal, Proposed } from "./remedy.ts";
import { allHomes, type Home } from "./whereabouts.ts";

export interface Cause {
  /** One note for each place where it shows. */
  notes(state: BridgeState): CauseNote[];
}

/** A note that names its cause, and what it proposes; `remedyOf` makes of that what is told. */
export interface CauseNote {
  cause: Finding["cause"];
  text: string;
  remedy: Proposed;
}

/** What is said of a flood that was seen. */
export type Why = Pick<Finding, "cause" | "title" | "basis" | "alternatives"> & {
  remedy: Proposed;
};

/** What a cause says of the state, now that the flood was seen. */
export function inferred(note: CauseNote, ...alternatives: string[]): Why {
  const { cause, text: title, remedy } = note;
  return { cause, title, basis: "inferred", alternatives, remedy };
}

/** A static entry where the address is known to live: the bridge floods its frames no longer. Null where its VLAN is not known. */
export function staticEntry(port: Port, address: string, vlan = port.pvid): Proposal | null {
  if (vlan === null) return null;
  return {
    change: { set: "entry", port, address, vlan, kind: "static" },
    effect: `frames for ${address} leave by ${port.name} alone`,
    // br_fdb_update() moves it like any other, and it stays static.
    risk: "the entry never ages, though it moves with the address (it is not sticky): once the host has gone from there without a word, its frames still go there until this is taken back",
  };
}

/** The same for an address that is at home on the bridge device itself. */
export function entryAt(home: Home, vlan?: number): Proposal | null {
  const { address, port } = home;
  if (port !== null) return staticEntry(port, address, vlan);
  return {
    change: { set: "host-entry", address, vlan: vlan ?? 0 },
    effect: `frames for ${address} go to the host alone`,
    risk: `whoever else uses ${address} is cut off until this is taken back`,
  };
}

export function hasEntry(state: BridgeState, address: string): boolean {
  return state.entries.some((entry) => entry.address === address);
}

/** Neighbour entries of devices that are on the bridge: of its own, of its ports' other ends, and of what sits on these. */
export function users(state: BridgeState): BridgeState["neighbours"] {
  const devices = new Set([
    `${state.place.inode} ${state.ifindex}`,
    ...allHomes(state).map(({ namespace, ifindex }) => `${namespace?.inode} ${ifindex}`),
    ...state.uppers.map(({ namespace, ifindex }) => `${namespace.inode} ${ifindex}`),
  ]);
  return state.neighbours.filter(
    (entry) =>
      devices.has(`${entry.namespace.inode} ${entry.ifindex}`) &&
      !["failed", "incomplete", "noarp"].includes(entry.state),
  );
}

/**
 * How long an entry lives, in words. While a topology change is on it is forward_delay (hold_time()), and the ageing time
 * that the kernel then tells is not the one that is configured (__br_set_topology_change()).
 */
export function lifetime(state: BridgeState): string {
  return changing(state)
    ? `${state.forwardDelayS} s (a spanning-tree topology change is on)`
    : `the ageing time of ${state.ageingMs / 1000} s`;
}

export function changing({ stp, topologyChange }: BridgeState): boolean {
  return stp && topologyChange;
}
