/** Which bridge a person means. */

import { missingLivePrivileges } from "../system/capabilities.ts";
import { UsageError } from "../system/errors.ts";
import { commandLine } from "../text/command-line.ts";
import { printable } from "../text/printable.ts";
import { type FoundBridge, findAllBridges, OPEN_VSWITCH } from "./bridges.ts";
import { type Labs, placeOf } from "./find-namespace.ts";
import { type Link, readLinks } from "./links.ts";
import { type KnownPlace, listPlaces, plainPlace } from "./places.ts";
import type { Place } from "./state.ts";

export interface WhichBridge {
  place: Place;
  name: string;
  ifindex: number;
}

/** Most bridges that an error lists. */
const MOST_LISTED = 20;

/**
 * The bridge of that name in the namespace of `netns`, or in ours, or in the only other one that has it; all of them
 * without a name. A UsageError says what there is instead.
 */
export async function whichBridge(
  name: string | undefined,
  netns: string | undefined,
  labs?: Labs,
): Promise<WhichBridge[]> {
  const places = netns === undefined ? listPlaces() : [await placeOf(netns, { labs })];
  if (name === undefined) return allBridges(places, netns);
  const home = places.find((place) => place.own || netns !== undefined);
  const links = home === undefined ? [] : readLinks(home);
  const device = links.find((link) => link.name === name);
  if (home !== undefined && device !== undefined) {
    if (device.kind !== "bridge") throw new UsageError(whatElse(device, links));
    return [{ place: plainPlace(home), name, ifindex: device.ifindex }];
  }
  const { bridges, openVswitch } = findAllBridges(places);
  const called = bridges.filter((bridge) => bridge.name === name);
  if (called.length > 1) throw new UsageError(ambiguous(name, called));
  if (called.length === 1) return called.map(plain);
  if (openVswitch.some((device) => device.name === name)) throw new UsageError(vswitch(name));
  throw new UsageError(`there is no bridge ${quoted(name)} ${where(netns)}; ${listed(bridges)}`);
}

function allBridges(places: readonly KnownPlace[], netns: string | undefined): WhichBridge[] {
  const { bridges, openVswitch } = findAllBridges(places);
  if (bridges.length > 0) return bridges.map(plain);
  const [other] = openVswitch;
  const enter = netns === undefined ? [] : ["nsenter", `--net=${places[0]?.path}`];
  const command = printable(commandLine([...enter, "ip", "link", "show", "type", "bridge"]));
  throw new UsageError(
    `there is no Linux bridge ${where(netns)}; \`${command}\` would show one` +
      (other === undefined ? "" : `; ${vswitch(other.name)}`),
  );
}

/** Where one is needed and several were found. */
export function severalBridges(found: readonly WhichBridge[]): UsageError {
  const names = found.map(({ name, place }) => `${name} (${place.label})`);
  return new UsageError(`there are ${names.length} bridges, say which: ${some(names)}`);
}

function plain({ place, name, ifindex }: FoundBridge): WhichBridge {
  return { place: plainPlace(place), name, ifindex };
}

/** What a device is that is no bridge. */
export function whatElse(device: Link, links: readonly Link[]): string {
  const name = quoted(device.name);
  if (device.kind === OPEN_VSWITCH) return vswitch(device.name);
  if (device.slaveKind === OPEN_VSWITCH) {
    return `${name} is a port of an Open vSwitch bridge (\`ovs-vsctl port-to-br ${word(device.name)}\` says of which), not of a Linux bridge, which is what bridgescope reads`;
  }
  const master = links.find((link) => link.ifindex === device.master);
  if (master?.kind === "bridge") {
    return `${name} is not a bridge but a port of the bridge ${quoted(master.name)}; name that instead`;
  }
  const kind = device.kind === "device" ? "physical or built-in" : printable(device.kind);
  return `${name} is not a bridge but a ${kind} device; expected the name of a Linux bridge, and \`ip link show type bridge\` lists those`;
}

function vswitch(name: string): string {
  return `${printable(name)} is an Open vSwitch bridge: its forwarding is in the openvswitch module (flows; \`ovs-ofctl dump-flows ${word(name)}\`, \`ovs-appctl fdb/show ${word(name)}\`), not in the Linux bridge that bridgescope reads`;
}

function where(netns: string | undefined): string {
  if (netns === undefined && missingLivePrivileges() !== null) {
    return "in this network namespace (to look into others takes CAP_SYS_ADMIN)";
  }
  return netns === undefined
    ? "in any network namespace of this host"
    : `in the network namespace ${quoted(netns)}`;
}

function ambiguous(name: string, found: readonly FoundBridge[]): string {
  const choices = found.map(({ place }) => `--netns ${word(place.path)} (${said(place)})`);
  return `there are ${found.length} bridges ${quoted(name)}, none of them in this network namespace; say which: ${some(choices)}`;
}

function listed(bridges: readonly FoundBridge[]): string {
  if (bridges.length === 0) return "there is none at all";
  const names = bridges.map(({ name, place }) =>
    place.own ? quoted(name) : `${quoted(name)} (${said(place)})`,
  );
  return `there are: ${some(names)}`;
}

function some(phrases: readonly string[]): string {
  const more = phrases.length - MOST_LISTED;
  return phrases.slice(0, MOST_LISTED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function said(place: Place): string {
  return printable(place.label);
}

/** As a shell takes it. */
function word(text: string): string {
  return printable(commandLine([text]));
}

function quoted(name: string): string {
  return `"${printable(name)}"`;
}
