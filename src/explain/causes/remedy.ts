/** What would stop a flood: what is to be set, and, made of that alone, the command, the one that takes it back, and whether it is set already. */

import { STP_STATES } from "../../bridge/bridge-options.ts";
import type { BridgeState, FdbEntry, Neighbour, Place, Port } from "../../bridge/state.ts";
import { wordsAt } from "../../bridge/words-at.ts";
import type { Finding } from "../../document/explain.ts";
import { commandLine } from "../../text/command-line.ts";

/** No cause can ask for what is not here: a querier, for one, takes IPv6 from hosts whose reports the bridge does not hear. */
export type Change =
  | { set: "ageing"; ms: number }
  | { set: "learning" | "locked"; port: Port; on: boolean }
  | { set: "disabled"; port: Port }
  | { set: "entry"; port: Port; address: string; vlan: number; kind: "static" | "dynamic" }
  /** An entry that holds the address where it is: `others` may use it as well, and are cut off. */
  | { set: "entry"; port: Port; address: string; vlan: number; kind: "sticky"; others: string }
  | { set: "pvid"; port: Port; vid: number }
  | { set: "no-neighbour"; neighbour: Neighbour };

export interface Proposal {
  change: Change;
  effect: string;
  risk: string;
}

/** What a cause proposes, or why it proposes nothing where one could expect it. */
export type Proposed = Proposal | { none: string } | null;

/** What a change is on a bridge as it is now. */
interface Setting {
  /** In words. */
  what: string;
  command: string;
  undo: string;
  verify: string;
  inForce: boolean;
  /** Why it is not for this bridge: the kernel refuses it, or somebody is cut off; null where it is fine. */
  refused: string | null;
}

/**
 * The one way from what a cause proposes to what is told: nothing that is in force already by the state that was read,
 * and nothing that the kernel would refuse.
 */
export function remedyOf(
  state: BridgeState,
  proposed: Proposed,
): Pick<Finding, "remedy" | "noRemedy"> {
  if (proposed === null) return { remedy: null, noRemedy: null };
  if ("none" in proposed) return { remedy: null, noRemedy: proposed.none };
  const { change, effect, risk } = proposed;
  const { what, command, undo, verify, inForce, refused } = settingOf(state, change);
  if (inForce) return { remedy: null, noRemedy: `${what} is in force already` };
  if (refused !== null) return { remedy: null, noRemedy: refused };
  const risks = [...cutOff(change), risk].join("; ");
  return { remedy: { command, effect, risk: risks, undo, verify }, noRemedy: null };
}

/** A command as a person types it on the host to have it done in that namespace. */
export function ipCommand(place: Place, ...words: string[]): string {
  return commandLine(wordsAt(place, ["ip", ...words]));
}

function bridgeCommand(place: Place, ...words: string[]): string {
  return commandLine(wordsAt(place, ["bridge", ...words]));
}

function cutOff(change: Change): string[] {
  if (change.set !== "entry" || change.kind !== "sticky") return [];
  const { address, others, port } = change;
  return [
    `whoever uses ${address} behind ${others} is cut off: frames for it go to ${port.name} alone, and what it sends does not move the entry`,
  ];
}

function settingOf(state: BridgeState, change: Change): Setting {
  switch (change.set) {
    case "ageing":
      return ageing(state, change.ms);
    case "learning":
    case "locked":
      return portFlag(state, change);
    case "disabled":
      return disabled(state, change.port);
    case "entry":
      return entry(state, change);
    case "pvid":
      return pvid(state, change.port, change.vid);
    case "no-neighbour":
      return noNeighbour(state, change.neighbour);
  }
}

function ageing(state: BridgeState, ms: number): Setting {
  // ip takes hundredths of a second.
  const option = (time: number) => ["ageing_time", String(time / 10)];
  const set = (time: number) =>
    ipCommand(
      state.place,
      ...["link", "set", "dev", state.name, "type", "bridge"],
      ...option(time),
    );
  return {
    what: `an ageing time of ${ms / 1000} s`,
    command: set(ms),
    undo: set(state.ageingMs),
    verify: `${ipCommand(state.place, "-d", "link", "show", "dev", state.name)} shows ${option(ms).join(" ")}`,
    inForce: state.ageingMs === ms,
    refused: null,
  };
}

function portFlag(
  state: BridgeState,
  { set: flag, port, on }: Extract<Change, { on: boolean }>,
): Setting {
  const now = portNow(state, port);
  const word = (value: boolean) => (value ? "on" : "off");
  const set = (value: boolean) =>
    bridgeCommand(state.place, "link", "set", "dev", port.name, flag, word(value));
  return {
    what: `${flag} ${word(on)} at ${port.name}`,
    command: set(on),
    undo: set(!on),
    verify: `${bridgeCommand(state.place, "-d", "link", "show", "dev", port.name)} shows ${flag} ${word(on)}`,
    inForce: now?.flags[flag] === on,
    refused: null,
  };
}

function disabled(state: BridgeState, port: Port): Setting {
  const now = portNow(state, port);
  const set = (to: Port["state"]) =>
    bridgeCommand(
      ...[state.place, "link", "set", "dev", port.name],
      ...["state", String(STP_STATES.indexOf(to))],
    );
  return {
    what: `state disabled of ${port.name}`,
    command: set("disabled"),
    undo: set(now?.state ?? "forwarding"),
    verify: `${bridgeCommand(state.place, "link", "show", "dev", port.name)} shows state disabled`,
    inForce: now?.state === "disabled",
    // br_set_port_state() allows it to nobody else then.
    refused: state.stp ? "the spanning tree is on, and sets the states of ports itself" : null,
  };
}

function entry(
  state: BridgeState,
  { address, port, vlan, kind }: Extract<Change, { set: "entry" }>,
): Setting {
  const now = state.entries.find((one) => one.address === address && one.vlan === vlan);
  const words = (verb: string, dev: string, ...how: string[]) =>
    bridgeCommand(
      ...[state.place, "fdb", verb, address, "dev", dev, "master", ...how],
      ...(vlan === 0 ? [] : ["vlan", String(vlan)]),
    );
  const how = kind === "sticky" ? ["static", "sticky"] : [kind];
  const before = state.ports.find(({ ifindex }) => ifindex === now?.port);
  const howBefore = [now?.static ? "static" : "dynamic", ...(now?.sticky ? ["sticky"] : [])];
  const shown = [address, "dev", port.name, ...(kind === "dynamic" ? [] : how)].join(" ");
  return {
    what: `the ${kind} entry of ${address} at ${port.name}`,
    command: words("replace", port.name, ...how),
    undo: before ? words("replace", before.name, ...howBefore) : words("del", port.name),
    verify: `${bridgeCommand(state.place, "fdb", "show", "br", state.name)} shows ${shown}`,
    inForce:
      now?.port === port.ifindex &&
      (kind === "dynamic" || now.static) &&
      (kind !== "sticky" || now.sticky),
    refused: entryRefused(state, { address, port, vlan }, now),
  };
}

function entryRefused(
  state: BridgeState,
  { address, port, vlan }: Pick<Extract<Change, { set: "entry" }>, "address" | "port" | "vlan">,
  now: FdbEntry | undefined,
): string | null {
  if (now?.local) return `${address} is one of the bridge's own addresses`;
  const other = state.ports.find(
    ({ ifindex, peer }) =>
      ifindex !== port.ifindex && peer?.master === null && peer.address === address,
  );
  if (other !== undefined) return `the host behind ${other.name} has ${address} too`;
  // fdb_add_entry() wants a VLAN that the port is in.
  const within = portNow(state, port)?.vlans.some(({ vid }) => vid === vlan);
  return state.vlanFiltering && !within ? `${port.name} is not in VLAN ${vlan}` : null;
}

function pvid(state: BridgeState, port: Port, vid: number): Setting {
  const now = portNow(state, port);
  const at = (verb: string, id: number, ...how: string[]) =>
    bridgeCommand(state.place, "vlan", verb, "dev", port.name, "vid", String(id), ...how);
  const set = (id: number) => at("add", id, "pvid", "untagged");
  const undo = [
    ...(now?.pvid ? [set(now.pvid)] : []),
    ...(now?.vlans.some((one) => one.vid === vid) ? [] : [at("del", vid)]),
  ];
  return {
    what: `${vid} as the PVID of ${port.name}`,
    command: set(vid),
    undo: undo.join(" && "),
    verify: `${bridgeCommand(state.place, "vlan", "show", "dev", port.name)} shows ${vid} PVID`,
    inForce: now?.pvid === vid,
    refused: null,
  };
}

function noNeighbour(
  state: BridgeState,
  { namespace, device, ifindex, ip, address, state: kind }: Neighbour,
): Setting {
  const inForce = !state.neighbours.some(
    (one) =>
      one.namespace.inode === namespace.inode &&
      one.ifindex === ifindex &&
      one.ip === ip &&
      one.address === address,
  );
  const was = [ip, "lladdr", address ?? "", "dev", device];
  const nud = kind === "permanent" ? kind : "stale";
  return {
    what: `no entry of ${ip} at ${address}`,
    command: ipCommand(namespace, "neigh", "del", ip, "dev", device),
    undo: ipCommand(namespace, "neigh", "replace", ...was, "nud", nud),
    verify: `${ipCommand(namespace, "neigh", "show", "dev", device)} no longer shows ${address}`,
    inForce,
    refused: null,
  };
}

function portNow(state: BridgeState, { ifindex }: Port): Port | undefined {
  return state.ports.find((port) => port.ifindex === ifindex);
}
