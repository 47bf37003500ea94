/** What would end a flood or a loss: what is to be set, and, made of that alone, the command, the one that takes it back, and whether it is set already. */

import type { BridgeState, FdbEntry, Neighbour, Place, Port } from "../../bridge/state.ts";
import { wordsAt } from "../../bridge/words-at.ts";
import type { Finding } from "../../document/explain.ts";
import { commandLine } from "../../text/command-line.ts";
import { type LinkChange, linkSetting, setState } from "./link-settings.ts";
import { type NetfilterChange, netfilterSetting } from "./netfilter-settings.ts";
import { type RemoteChange, remoteSetting } from "./remote-settings.ts";
import { bridgeCommand, ipCommand, pattern, type Setting, shows, showsNot } from "./setting.ts";
import { homePhrase, homesOf, virtualAddress } from "./whereabouts.ts";

/** No cause can ask for what is not here: a querier, for one, takes IPv6 from hosts whose reports the bridge does not hear. */
export type Change =
  | { set: "ageing"; ms: number }
  | { set: "learning" | "locked" | "isolated" | "hairpin"; port: Port; on: boolean }
  | { set: "disabled"; port: Port }
  /** A loop: its cables at these ports are cut, and what it has taught those that are left (ports, by name) is forgotten. */
  | { set: "opened"; cut: Port[]; left: { place: Place; name: string }[] }
  | { set: "entry"; port: Port; address: string; vlan: number; kind: "static" | "dynamic" }
  /** An entry that holds the address where it is: `others` may use it as well, and are cut off. */
  | { set: "entry"; port: Port; address: string; vlan: number; kind: "sticky"; others: string }
  /** An address of what sits on the bridge device. */
  | { set: "host-entry"; address: string; vlan: number }
  | { set: "pvid"; port: Port; vid: number }
  | { set: "no-neighbour"; neighbour: Neighbour }
  /** The address that the bridge has borrowed from a port becomes its own. */
  | { set: "own-address" }
  /** Ports that a group is sent to, whether anybody behind them reports it or not. */
  | { set: "member"; group: string; vlan: number; ports: Port[] }
  /** How many frames wait for a CPU at most, of the whole host. */
  | { set: "backlog"; frames: number }
  | RemoteChange
  | LinkChange
  | NetfilterChange;

export interface Proposal {
  change: Change;
  effect: string;
  risk: string;
}

/** What a cause proposes, or why it proposes nothing where one could expect it. */
export type Proposed = Proposal | { none: string } | null;

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
    case "isolated":
    case "hairpin":
      return portFlag(state, change);
    case "disabled":
      return disabled(state, change.port);
    case "opened":
      return opened(state, change);
    case "entry":
      return entry(state, change);
    case "host-entry":
      return hostEntry(state, change);
    case "pvid":
      return pvid(state, change.port, change.vid);
    case "no-neighbour":
      return noNeighbour(state, change.neighbour);
    case "mtu":
    case "up":
    case "forwarding":
    case "no-stp":
    case "forward-delay":
    case "group-forwarding":
      return linkSetting(state, change);
    case "own-address":
      return ownAddress(state);
    case "member":
      return member(state, change);
    case "backlog":
      return backlog(state, change.frames);
    case "remotes":
    case "no-remote":
      return remoteSetting(state, change);
    case "nf-call-off":
    case "accept":
      return netfilterSetting(state, change);
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
    verify: shows(ipCommand(state.place, ...linkOf(state)), ` ${option(ms).join(" ")}( |$)`),
    inForce: state.ageingMs === ms,
    // __br_set_topology_change() puts another in its place.
    refused:
      state.stp && state.topologyChange
        ? "while a topology change is on, the kernel does not tell the ageing time that is configured"
        : null,
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
    verify: shows(
      bridgeCommand(state.place, "-d", "link", "show", "dev", port.name),
      ` ${flag} ${word(on)}( |$)`,
    ),
    inForce: now?.flags[flag] === on,
    refused: null,
  };
}

function disabled(state: BridgeState, port: Port): Setting {
  const now = portNow(state, port);
  return {
    what: `state disabled of ${port.name}`,
    command: setState(state, port, "disabled"),
    undo: setState(state, port, now?.state ?? "forwarding"),
    verify: showsDisabled(state, port),
    inForce: now?.state === "disabled",
    refused: stateRefused(state),
  };
}

/**
 * A port that goes down forgets what was learned there, and so does the other end of its cable (br_stp_disable_port()); one
 * whose state is set to disabled does not, and comes back with any change of its link (br_port_carrier_check()).
 */
function opened(state: BridgeState, { cut, left }: Extract<Change, { set: "opened" }>): Setting {
  const set = (to: "up" | "down") =>
    cut.map(({ name }) => ipCommand(state.place, "link", "set", "dev", name, to)).join(" && ");
  const forget = left.map(({ place, name }) =>
    ipCommand(place, "link", "set", "dev", name, "type", "bridge_slave", "fdb_flush"),
  );
  const names = cut.map(({ name }) => pattern(name)).join("|");
  return {
    what: `${cut.map(({ name }) => name).join(" and ")} down`,
    command: [set("down"), ...forget].join(" && "),
    undo: set("up"),
    verify: [
      ...cut.map(({ name }) =>
        showsNot(ipCommand(state.place, "link", "show", "dev", name), "[<,]UP[,>]"),
      ),
      // What was set by hand is nobody's to forget, and has a word more at its end.
      showsNot(
        bridgeCommand(state.place, "fdb", "show", "br", state.name),
        `^[^ ]+ dev (${names}) (vlan [0-9]+ )?master [^ ]+ *$`,
      ),
    ].join(" && "),
    inForce: cut.every((port) => portNow(state, port)?.up === false),
    refused: null,
  };
}

function showsDisabled({ place }: BridgeState, { name }: Port): string {
  return shows(bridgeCommand(place, "link", "show", "dev", name), " state disabled( |$)");
}

/** br_set_port_state() allows it to nobody else then. */
function stateRefused({ stp }: BridgeState): string | null {
  return stp ? "the spanning tree is on, and sets the states of ports itself" : null;
}

function entry(
  state: BridgeState,
  { address, port, vlan, kind }: Extract<Change, { set: "entry" }>,
): Setting {
  const now = state.entries.find((one) => one.address === address && one.vlan === vlan);
  const words = (verb: string, dev: string, ...how: string[]) =>
    bridgeCommand(
      ...[state.place, "fdb", verb, address, "dev", dev, "master", ...how],
      ...inVlan(vlan),
    );
  const how = kind === "sticky" ? ["static", "sticky"] : [kind];
  const before = state.ports.find(({ ifindex }) => ifindex === now?.port);
  const howBefore = [now?.static ? "static" : "dynamic", ...(now?.sticky ? ["sticky"] : [])];
  const end = { static: " static( |$)", sticky: " static.* sticky( |$)", dynamic: "" }[kind];
  const shown = [address, "dev", pattern(port.name), ...inVlan(vlan), `master .*${end}`].join(" ");
  return {
    what: `the ${kind} entry of ${address} at ${port.name}`,
    command: words("replace", port.name, ...how),
    // It may have moved since, and is deleted only at the port that it is at.
    undo: before
      ? words("replace", before.name, ...howBefore)
      : `${words("replace", port.name, ...how)} && ${words("del", port.name)}`,
    verify: shows(bridgeCommand(state.place, "fdb", "show", "br", state.name), `^${shown}`),
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
  const virtual = virtualAddress(address);
  if (virtual !== null) {
    return `${address} is the address of ${virtual}, and moves to whoever is its master`;
  }
  const other = homesOf(state, address).find((home) => home.port?.ifindex !== port.ifindex);
  if (other !== undefined) {
    return other.port === null
      ? `${homePhrase(state, other)} has ${address} too`
      : `the host behind ${other.port.name} has ${address} too`;
  }
  // fdb_add_entry() wants a VLAN that the port is in.
  const within = portNow(state, port)?.vlans.some(({ vid }) => vid === vlan);
  return state.vlanFiltering && !within ? `${port.name} is not in VLAN ${vlan}` : null;
}

/** With `self` and the bridge itself the entry is one of the bridge's own addresses (br_fdb_add()). */
function hostEntry(
  state: BridgeState,
  { address, vlan }: Extract<Change, { set: "host-entry" }>,
): Setting {
  const now = state.entries.find((one) => one.address === address && one.vlan === vlan);
  const words = (verb: string, ...how: string[]) =>
    bridgeCommand(
      ...[state.place, "fdb", verb, address, "dev", state.name, "self", ...how],
      ...inVlan(vlan),
    );
  const shown = [address, "dev", pattern(state.name), ...inVlan(vlan)].join(" ");
  const other = homesOf(state, address).find(({ port }) => port !== null);
  const learned = state.ports.find(({ ifindex }) => ifindex === now?.port);
  return {
    what: `the permanent entry of ${address} at ${state.name}`,
    command: words("replace", "permanent"),
    undo: words("del"),
    verify: shows(
      bridgeCommand(state.place, "fdb", "show", "br", state.name),
      `^${shown} master .*permanent`,
    ),
    inForce: now?.local === true,
    refused:
      other?.port != null
        ? `the host behind ${other.port.name} has ${address} too`
        : learned !== undefined
          ? `${address} was learned at ${learned.name}: somebody there uses it too`
          : null,
  };
}

function inVlan(vlan: number): string[] {
  return vlan === 0 ? [] : ["vlan", String(vlan)];
}

function pvid(state: BridgeState, port: Port, vid: number): Setting {
  const now = portNow(state, port);
  const at = (verb: string, id: number, ...how: string[]) =>
    bridgeCommand(state.place, "vlan", verb, "dev", port.name, "vid", String(id), ...how);
  const untagged = (id: number | null | undefined) =>
    now?.vlans.some((one) => one.vid === id && one.untagged) ? ["untagged"] : [];
  const was = now?.vlans.find((one) => one.vid === vid);
  const undo = [
    was === undefined ? at("del", vid) : at("add", vid, ...untagged(vid)),
    ...(now?.pvid ? [at("add", now.pvid, "pvid", ...untagged(now.pvid))] : []),
  ];
  return {
    what: `${vid} as the PVID of ${port.name}`,
    command: at("add", vid, "pvid", "untagged"),
    undo: undo.join(" && "),
    verify: shows(
      bridgeCommand(state.place, "vlan", "show", "dev", port.name),
      `(^|[[:space:]])${vid} PVID`,
    ),
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
    verify: showsNot(
      ipCommand(namespace, "neigh", "show", "dev", device),
      `^${pattern(ip)} .*lladdr ${address}( |$)`,
    ),
    inForce,
    refused: null,
  };
}

/** NET_ADDR_SET: the kernel takes it from no device again, and nothing that hosts see has changed. */
function ownAddress({ place, name, address }: BridgeState): Setting {
  const set = commandLine(["grep", "-qx", "3", `/sys/class/net/${name}/addr_assign_type`]);
  return {
    what: `${address} as the address that was set`,
    command: ipCommand(place, "link", "set", "dev", name, "address", address),
    undo: "true",
    verify: place.own
      ? set
      : // The sysfs that a shell sees is of its own namespace.
        commandLine(
          wordsAt(place, ["unshare", "--mount", "sh", "-c", `mount -t sysfs sysfs /sys && ${set}`]),
        ),
    inForce: false,
    refused: null,
  };
}

/** br_mdb_add() takes none while snooping is off, or at a port that is disabled. */
function member(
  state: BridgeState,
  { group, vlan, ports }: Extract<Change, { set: "member" }>,
): Setting {
  const now = ({ ifindex }: Port) =>
    state.multicast.members.find(
      (one) => one.group === group && one.vlan === vlan && one.port === ifindex,
    );
  const words = (verb: string, { name }: Port, ...how: string[]) =>
    bridgeCommand(
      ...[state.place, "mdb", verb, "dev", state.name, "port", name, "grp", group, ...how],
      ...(vlan === 0 ? [] : ["vid", String(vlan)]),
    );
  const end = vlan === 0 ? "" : `.* vid ${vlan}( |$)`;
  const off = ports.find((port) => portNow(state, port)?.state === "disabled");
  return {
    what: `the permanent entry of ${group} at ${ports.map(({ name }) => name).join(", ")}`,
    command: ports.map((port) => words("add", port, "permanent")).join(" && "),
    undo: ports.map((port) => words("del", port)).join(" && "),
    verify: ports
      .map(({ name }) =>
        shows(
          bridgeCommand(state.place, "mdb", "show", "dev", state.name),
          `port ${pattern(name)} grp ${pattern(group)} .*permanent${end}`,
        ),
      )
      .join(" && "),
    inForce: ports.every((port) => now(port) !== undefined),
    refused: !state.mcastSnooping
      ? `${state.name} does not listen to IGMP and MLD (mcast_snooping 0), and then takes no entry`
      : off === undefined
        ? null
        : `${off.name} is disabled, and the bridge takes no entry there`,
  };
}

/** The host's first namespace has it alone on many kernels, so it is set where whoever types this is. */
function backlog({ maxBacklog }: BridgeState, frames: number): Setting {
  const key = "net.core.netdev_max_backlog";
  const set = (value: number | null) => commandLine(["sysctl", "-w", `${key}=${value}`]);
  return {
    what: `${key}=${frames}`,
    command: set(frames),
    undo: set(maxBacklog),
    verify: shows(commandLine(["sysctl", "-n", key]), `^${frames}$`),
    inForce: maxBacklog !== null && maxBacklog >= frames,
    refused: maxBacklog === null ? `${key} cannot be read from here` : null,
  };
}

function linkOf({ name }: BridgeState): string[] {
  return ["-d", "link", "show", "dev", name];
}

function portNow(state: BridgeState, { ifindex }: Port): Port | undefined {
  return state.ports.find((port) => port.ifindex === ifindex);
}
