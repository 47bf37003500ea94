/** What a cause's file says: it reads the state of a bridge and speaks up where netlink alone shows the cause. */
import type { Finding, Note, Remedy } from "../../document/explain.ts";
import type { BridgeState, Peer, Place, Port } from "../../live/state.ts";
import { wordsAt } from "../../live/words-at.ts";
import { commandLine } from "../../text/command-line.ts";

export interface Cause {
  /** One note for each place where it shows. */
  notes(state: BridgeState): CauseNote[];
}

/** A note that names its cause. */
export type CauseNote = Note & { cause: Finding["cause"] };

/** A command as a person types it on the host to have it done in that namespace. */
function commandAt(place: Place, ...words: string[]): string {
  return commandLine(wordsAt(place, words));
}

export function ipCommand(place: Place, ...words: string[]): string {
  return commandAt(place, "ip", ...words);
}

export function bridgeCommand(place: Place, ...words: string[]): string {
  return commandAt(place, "bridge", ...words);
}

/** `bridge link set dev PORT …`: one flag of a port. */
export function portFlag(state: BridgeState, port: Port, flag: string, value: string): string {
  return bridgeCommand(state.place, "link", "set", "dev", port.name, flag, value);
}

/** An option of the bridge: `ip link set dev BRIDGE type bridge …`. */
export function bridgeOption(state: BridgeState, ...words: string[]): string {
  return ipCommand(state.place, "link", "set", "dev", state.name, "type", "bridge", ...words);
}

/** A static entry where the address is known to live: the bridge floods its frames no longer. */
export function staticEntry(
  state: BridgeState,
  port: Port,
  address: string,
  ...more: "sticky"[]
): Remedy {
  const vlan = state.vlanFiltering && port.pvid !== null ? ["vlan", String(port.pvid)] : [];
  const entry = (verb: string, ...kind: string[]) =>
    bridgeCommand(state.place, "fdb", verb, address, "dev", port.name, "master", ...kind, ...vlan);
  return {
    command: entry("replace", "static", ...more),
    effect: `frames for ${address} leave by ${port.name} alone`,
    risk: "the entry never ages and does not follow the address to another port: take it back before that moves",
    undo: entry("del"),
    verify: `${bridgeCommand(state.place, "fdb", "show", "br", state.name)} shows ${address} dev ${port.name} static`,
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
export type Why = Pick<Finding, "cause" | "title" | "basis" | "alternatives" | "remedy">;

/** What a cause says of the state, now that the flood was seen. */
export function inferred(note: CauseNote, ...alternatives: string[]): Why {
  const { cause, text: title, remedy } = note;
  return { cause, title, basis: "inferred", alternatives, remedy };
}
