/** Changes of links (their MTU, that they are up) and of what the bridge itself lets pass: the spanning tree, link-local groups. */

import { STP_STATES } from "../../bridge/bridge-options.ts";
import type { BridgeState, Place, Port } from "../../bridge/state.ts";
import { bridgeCommand, ipCommand, type Setting, shows } from "./setting.ts";

/** A link that frames pass: a port, what is behind it, or the bridge's own. */
export interface Device {
  place: Place;
  name: string;
  ifindex: number;
  mtu: number;
}

export type LinkChange =
  | { set: "mtu"; device: Device; bytes: number }
  | { set: "up"; device: Device }
  /** The state of a port that no spanning tree sets. */
  | { set: "forwarding"; port: Port }
  /** `waiting` are to forward at once. */
  | { set: "no-stp"; waiting: Port[] }
  /** `waiting` begin anew with the delay, which is shorter. */
  | { set: "forward-delay"; seconds: number; waiting: Port[] }
  /** The bridge forwards the link-local group 01:80:c2:00:00:0x: `bit` is x. */
  | { set: "group-forwarding"; bit: number };

export function linkSetting(state: BridgeState, change: LinkChange): Setting {
  switch (change.set) {
    case "mtu":
      return mtu(state, change.device, change.bytes);
    case "up":
      return up(state, change.device);
    case "forwarding":
      return forwarding(state, change.port);
    case "no-stp":
      return noStp(state, change.waiting);
    case "forward-delay":
      return forwardDelay(state, change);
    case "group-forwarding":
      return groupForwarding(state, change.bit);
  }
}

function mtu(state: BridgeState, device: Device, bytes: number): Setting {
  const { place, name } = device;
  const set = (to: number) => ipCommand(place, "link", "set", "dev", name, "mtu", String(to));
  const now = linkNow(state, device)?.mtu ?? device.mtu;
  return {
    what: `an MTU of ${bytes} at ${name}`,
    command: set(bytes),
    undo: set(now),
    verify: shows(ipCommand(place, "link", "show", "dev", name), ` mtu ${bytes}( |$)`),
    inForce: now === bytes,
    refused: null,
  };
}

function up(state: BridgeState, device: Device): Setting {
  const { place, name } = device;
  const set = (to: "up" | "down") => ipCommand(place, "link", "set", "dev", name, to);
  return {
    what: `${name} up`,
    command: set("up"),
    undo: set("down"),
    verify: shows(ipCommand(place, "link", "show", "dev", name), "[<,]UP[,>]"),
    inForce: linkNow(state, device)?.up === true,
    refused: null,
  };
}

/** By its namespace and ifindex, for it may have got another name. */
function linkNow(
  state: BridgeState,
  { place, ifindex }: Device,
): { mtu: number; up?: boolean } | undefined {
  const here = [state, ...state.ports].map((link) => ({ ...link, namespace: state.place }));
  const ends = state.ports.flatMap(({ peer }) => (peer === null ? [] : [peer]));
  const all = [...here, ...ends, ...ends.flatMap(({ uppers }) => uppers), ...state.uppers];
  return all.find((link) => link.namespace.inode === place.inode && link.ifindex === ifindex);
}

function forwarding(state: BridgeState, port: Port): Setting {
  const now = state.ports.find(({ ifindex }) => ifindex === port.ifindex)?.state ?? port.state;
  return {
    what: `state forwarding of ${port.name}`,
    command: setState(state, port, "forwarding"),
    undo: setState(state, port, now),
    verify: showsForwarding(state, port),
    inForce: now === "forwarding",
    refused: state.stp ? "the spanning tree is on, and sets the states of ports itself" : null,
  };
}

export function setState({ place }: BridgeState, port: Port, to: Port["state"]): string {
  const words = ["link", "set", "dev", port.name, "state", String(STP_STATES.indexOf(to))];
  return bridgeCommand(place, ...words);
}

function showsForwarding({ place }: BridgeState, { name }: Port): string {
  return shows(bridgeCommand(place, "link", "show", "dev", name), " state forwarding( |$)");
}

/** br_stp_set_enabled() leaves a port that listens or learns as it is, until its timer ends. */
function noStp(state: BridgeState, waiting: readonly Port[]): Setting {
  const still = stillWaiting(state, waiting);
  return {
    what: "stp_state 0",
    command: [
      bridgeOption(state, "stp_state", 0),
      ...still.map((port) => setState(state, port, "forwarding")),
    ].join(" && "),
    undo: bridgeOption(state, "stp_state", 1),
    verify: [
      showsOption(state, "stp_state", "0"),
      ...still.map((port) => showsForwarding(state, port)),
    ].join(" && "),
    inForce: !state.stp && still.length === 0,
    refused: stpRefused(state),
  };
}

/** A timer that runs keeps its time: a port that waits has to come up anew. */
function forwardDelay(
  state: BridgeState,
  { seconds, waiting }: Extract<LinkChange, { set: "forward-delay" }>,
): Setting {
  const ticks = seconds * 100;
  const again = stillWaiting(state, waiting).flatMap(({ name }) =>
    ["down", "up"].map((to) => ipCommand(state.place, "link", "set", "dev", name, to)),
  );
  return {
    what: `a forward_delay of ${seconds} s`,
    command: [bridgeOption(state, "forward_delay", ticks), ...again].join(" && "),
    undo: bridgeOption(state, "forward_delay", state.forwardDelayS * 100),
    verify: showsOption(state, "forward_delay", String(ticks)),
    inForce: state.forwardDelayS <= seconds,
    refused: stpRefused(state),
  };
}

function stillWaiting({ ports }: BridgeState, waiting: readonly Port[]): Port[] {
  const names = new Set(waiting.map(({ ifindex }) => ifindex));
  return ports.filter(({ ifindex, state }) => names.has(ifindex) && isWaiting(state));
}

export function isWaiting(state: Port["state"]): boolean {
  return state === "listening" || state === "learning";
}

/** A bridge that is not the root takes the root's times (br_record_config_timeout_values()). */
function stpRefused({ options, name }: BridgeState): string | null {
  const { stp_state: by, root_id: root, bridge_id: own } = options;
  if (by === 2) return `a daemon (mstpd) runs the spanning tree of ${name}: ask that`;
  return root !== own
    ? `${String(root)} is the root of the spanning tree, and tells ${name} how long to wait`
    : null;
}

function groupForwarding(state: BridgeState, bit: number): Setting {
  const mask = Number(state.options.group_fwd_mask ?? 0);
  const wanted = mask | (1 << bit);
  return {
    what: `bit ${bit} of group_fwd_mask`,
    command: bridgeOption(state, "group_fwd_mask", wanted),
    undo: bridgeOption(state, "group_fwd_mask", mask),
    verify: showsOption(state, "group_fwd_mask", `0x${wanted.toString(16)}`),
    inForce: mask === wanted,
    // br_changelink(): BR_GROUPFWD_RESTRICTED.
    refused:
      bit < 3
        ? "the kernel lets nobody set the bits 0 to 2 (STP, pause frames, LACP) in group_fwd_mask of a bridge"
        : null,
  };
}

function bridgeOption({ place, name }: BridgeState, option: string, value: number): string {
  const words = ["link", "set", "dev", name, "type", "bridge", option, String(value)];
  return ipCommand(place, ...words);
}

function showsOption({ place, name }: BridgeState, option: string, value: string): string {
  return shows(ipCommand(place, "-d", "link", "show", "dev", name), ` ${option} ${value}( |$)`);
}
