/** What a cause's file says: it reads the state of a bridge and speaks up where netlink alone shows the cause. */

import type { BridgeState, Peer, Port } from "../../bridge/state.ts";
import type { Finding } from "../../document/explain.ts";
import type { Proposal, Proposed } from "./remedy.ts";

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

/** A static entry where the address is known to live: the bridge floods its frames no longer. Null where its VLAN is not known. */
export function staticEntry(port: Port, address: string, vlan = port.pvid): Proposal | null {
  if (vlan === null) return null;
  return {
    change: { set: "entry", port, address, vlan, kind: "static" },
    effect: `frames for ${address} leave by ${port.name} alone`,
    // br_fdb_update() moves it like any other, and it stays static.
    risk: "the entry never ages: once the host has gone from there without a word, its frames still go there until this is taken back",
  };
}

export interface PeerPort {
  port: Port;
  peer: Peer;
}

/** Ports whose other end is known and is no port of a bridge itself: behind those may be anybody. */
export function peerPorts(state: BridgeState): PeerPort[] {
  return state.ports.flatMap((port) =>
    port.peer === null || port.peer.master !== null ? [] : [{ port, peer: port.peer }],
  );
}

export function hasEntry(state: BridgeState, address: string): boolean {
  return state.entries.some((entry) => entry.address === address);
}

/** `port pa (container web)`. */
export function portPhrase(port: Port): string {
  return port.owner === null ? `port ${port.name}` : `port ${port.name} (${port.owner.label})`;
}

/** The neighbour entries through which somebody on the bridge sends to an address, failed ones left out. */
export function believers(state: BridgeState, address: string): BridgeState["neighbours"] {
  return users(state).filter((entry) => entry.address === address);
}

/** Neighbour entries of devices that are on the bridge: of its own, and of its ports' other ends. */
export function users(state: BridgeState): BridgeState["neighbours"] {
  const devices = new Set([
    `${state.place.inode} ${state.ifindex}`,
    ...peerPorts(state).map(({ peer }) => `${peer.namespace.inode} ${peer.ifindex}`),
  ]);
  return state.neighbours.filter(
    (entry) =>
      devices.has(`${entry.namespace.inode} ${entry.ifindex}`) &&
      !["failed", "incomplete", "noarp"].includes(entry.state),
  );
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
