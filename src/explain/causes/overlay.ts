/** What a VXLAN device does with frames that a bridge, or the host, sends by it: whose they are by its own FDB. */

import type { BridgeState, Neighbour, Port, Remote, Vxlan } from "../../bridge/state.ts";
import { wordsAt } from "../../bridge/words-at.ts";
import { commandLine } from "../../text/command-line.ts";
import { plural } from "../../text/units.ts";

/** The entry of the default remotes, which get whatever has no entry of its own. */
export const DEFAULT = "00:00:00:00:00:00";
/** Of remotes and neighbours, so many are named. */
const NAMED = 3;

export type VxlanPort = Port & { vxlan: Vxlan };
/** A VXLAN device, whether it is a port or not. */
export type Device = Pick<VxlanPort, "name" | "ifindex" | "vxlan">;

export function vxlanPort({ ports }: BridgeState, ifindex: number): VxlanPort | null {
  const port = ports.find((one) => one.ifindex === ifindex);
  return port !== undefined && isVxlan(port) ? port : null;
}

export function isVxlan(port: Port): port is VxlanPort {
  return port.vxlan !== null;
}

/** Its own for the address. */
export function entriesFor({ remotes }: Pick<Vxlan, "remotes">, address: string): Remote[] {
  return remotes.filter((one) => one.address === address);
}

/** Where frames for the address go: to its own remotes, else to the default ones (vxlan_xmit()). */
export function remotesFor(vxlan: Pick<Vxlan, "remotes">, address: string): Remote[] {
  const own = entriesFor(vxlan, address);
  return own.length > 0 ? own : entriesFor(vxlan, DEFAULT);
}

/** `the remote 198.18.1.2`. */
export function remotePhrase({ ip }: Pick<Remote, "ip">): string {
  return ip === null ? "a nexthop object" : `the remote ${ip}`;
}

/** What is learned from frames that the device has sent to itself (vxlan_encap_bypass()). */
const LOOPBACK = /^127\.|^::1$/;

/** The addresses of all other hosts that an overlay's device knows: `198.18.1.2, 198.18.1.3`. */
export function knownRemotes({ remotes }: Pick<Vxlan, "remotes">): string {
  const far = remotes.filter(({ own, ip }) => !own && !LOOPBACK.test(ip ?? ""));
  return listed([...new Set(far.flatMap(({ ip }) => ip ?? []))], "more");
}

/** A command about the network that a device's packets leave by. */
export function underlayCommand({ vxlan }: Device, ...words: string[]): string {
  return commandLine(vxlan.underlay === null ? words : wordsAt(vxlan.underlay, words));
}

/** Neighbours on a VXLAN device that are there for good: what answers ARP by proxy, and what is routed there, goes by them. */
export function fixedNeighbours(
  { place, neighbours }: BridgeState,
  { ifindex }: { ifindex: number },
): (Neighbour & { address: string })[] {
  return neighbours.filter(
    (one): one is Neighbour & { address: string } =>
      one.namespace.inode === place.inode &&
      one.ifindex === ifindex &&
      one.state === "permanent" &&
      one.address !== null,
  );
}

/** What is so where an address has no entry there and there is no default one; the host's own packets need no bridge. */
export function lackingRemote(
  state: BridgeState,
  device: Device,
  address: string,
): { text: string; neighbours: Neighbour[] } {
  const { name, vxlan, ifindex } = device;
  const neighbours = fixedNeighbours(state, device).filter((one) => one.address === address);
  const ips = listed(
    neighbours.map(({ ip }) => ip),
    "more",
  );
  const whom = ips === "" ? address : `${ips} at ${address}`;
  const isPort = state.ports.some((port) => port.ifindex === ifindex);
  const by = isPort
    ? `the bridge sends frames for ${whom} by ${name}`
    : `the host routes to ${whom} by ${name}, which is no port of ${state.name}`;
  return {
    text: `${by}, whose own FDB (VNI ${vxlan.vni}) has no remote for it: they end there`,
    neighbours,
  };
}

/** How to find out which host has an address, and what to set here then; a sentence. */
export function whoKnows({ place }: BridgeState, device: Device, address: string): string {
  const { name, vxlan } = device;
  // What it has for the address itself is what is in question.
  const others = vxlan.remotes.filter((remote) => remote.address !== address);
  const known = knownRemotes({ remotes: others });
  const entry = { address, ip: "ITS-ADDRESS", port: vxlan.port, vni: vxlan.vni };
  const set = commandLine(wordsAt(place, ["bridge", ...remoteWords("replace", device, entry)]));
  const none = vxlan.remotes.length === 0 ? "no remote at all" : "no other host";
  const here = `${name} knows ${known === "" ? none : known}`;
  return `which host has ${address} is not known here (${here}): on the right one \`bridge fdb show | grep ${address}\` has it at a port that is no VXLAN; then set \`${set}\``;
}

/** Behind `bridge`: an entry of a VXLAN device's own FDB; what is as the device has it is left out. */
export function remoteWords(
  verb: "replace" | "append" | "del",
  { name, vxlan }: Device,
  { address, ip, port, vni }: Pick<Remote, "address" | "ip" | "port" | "vni">,
): string[] {
  return [
    ...["fdb", verb, address, "dev", name, "dst", ip ?? ""],
    ...(port === vxlan.port ? [] : ["port", String(port)]),
    ...(vni === vxlan.vni ? [] : ["vni", String(vni)]),
    "self",
    ...(verb === "del" ? [] : ["permanent"]),
  ];
}

/**
 * That what left by a VXLAN port as one copy leaves the host as several, one for each default remote (head-end
 * replication); empty where it does not. `copies` are those of frames for the destination by each port.
 */
export function replication(
  { ports }: BridgeState,
  destination: string,
  copies: readonly { port: { ifindex: number }; copies: number }[],
): string[] {
  return ports.filter(isVxlan).flatMap(({ name, ifindex, vxlan }) => {
    const many = remotesFor(vxlan, destination).length;
    const got = copies.find(({ port }) => port.ifindex === ifindex)?.copies ?? 0;
    if (many < 2 || got === 0) return [];
    const silent = remotesFor(vxlan, destination).filter(({ answers }) => answers === false);
    const vain =
      silent.length === 0
        ? ""
        : `, ${plural(silent.length, "of these has", "of these have")} nobody there`;
    return [
      `each copy by ${name} leaves the host ${many} times, once for each default remote (head-end replication): ${got * many} packets of VNI ${vxlan.vni}${vain}`,
    ];
  });
}

/** `a, b, c and 2 more`. */
export function listed(names: readonly string[], more: string): string {
  const shown = names.slice(0, NAMED).join(", ");
  return names.length > NAMED ? `${shown} and ${names.length - NAMED} ${more}` : shown;
}
