/** Who is to get the frames of a multicast group, and whether the bridge sends them there alone: br_multicast.c. */

import { isIPv4, isIPv6 } from "node:net";
import type { BridgeState, MdbEntry, Port } from "../../bridge/state.ts";
import type { Flow } from "../../live/collect.ts";

export type GroupFamily = "ip4" | "ip6" | "other";

/** What the frames of a flow are for. Several IP groups share one MAC address (RFC 1112, 6.4; RFC 2464, 7). */
export interface Group {
  mac: string;
  family: GroupFamily;
  /** Of the first frame; null where it is not known. */
  ip: string | null;
  /** The first frame was of IGMP or MLD itself. */
  control: boolean;
}

/** Why the bridge sends a group's frames to all ports, whoever has joined; null where it sends them to members and routers alone. */
export type WhyNotSnooped =
  /** The kernel excepts it. */
  | "never"
  /** mcast_snooping is 0. */
  | "off"
  /** Snooping waits for somebody who sends queries of this family. */
  | "no-querier"
  /** The kernel does not tell whether somebody else sends queries (before 5.16). */
  | "unknown"
  /** mcast_vlan_snooping: each VLAN has a state of its own, which is not read. */
  | "vlans";

export function groupOf({
  destination: mac,
  addresses,
}: Pick<Flow, "destination" | "addresses">): Group {
  const { destination, protocol } = addresses;
  const ip = protocol === "ARP" ? null : destination;
  const byMac: GroupFamily = /^01:00:5e:[0-7]/.test(mac)
    ? "ip4"
    : mac.startsWith("33:33:")
      ? "ip6"
      : "other";
  const family = ip === null ? byMac : isIPv4(ip) ? "ip4" : "ip6";
  return { mac, family: protocol === "ARP" ? "other" : family, ip, control: protocol === "IGMP" };
}

/** br_multicast_rcv(), br_mdb_get() and br_multicast_querier_exists(), as far as the state tells. */
export function whyNotSnooped(
  state: BridgeState,
  group: Group,
  vlan: number,
): WhyNotSnooped | null {
  if (group.family === "other") {
    // Of frames that are not IP the bridge knows the groups that somebody entered by hand, and asks for no querier.
    return state.mcastSnooping && membersOf(state, group, vlan).length > 0 ? null : "never";
  }
  if (isNeverSnooped(group)) return "never";
  if (!state.mcastSnooping) return "off";
  if (perVlan(state)) return "vlans";
  const querier = querierOf(state, group.family);
  if (querier === undefined) return "unknown";
  return querier === null ? "no-querier" : null;
}

/** The bridge sends the group to its members and to routers alone. False where that is not known. */
export function snooped(state: BridgeState, group: Group, vlan: number): boolean {
  return whyNotSnooped(state, group, vlan) === null;
}

/**
 * A port that is to get the group's frames: somebody behind it has joined (this group or another that has its MAC address,
 * since only the first frame's group is known), a router is there, or a host whose IPv6 address the group is asked for.
 * Of a port whose other end is not seen false does not say that nobody there wants it.
 */
export function wantsGroup(state: BridgeState, port: number, group: Group, vlan: number): boolean {
  if (membersOf(state, group, vlan).some((member) => member.port === port)) return true;
  const { family } = group;
  if (family === "other") return false;
  if (state.multicast.routers.some((router) => router.port === port && router[family])) return true;
  const one = state.ports.find(({ ifindex }) => ifindex === port);
  const addresses = port === state.ifindex ? hostAddresses(state) : addressesBehind(one);
  return addresses.some((address) => isIPv6(address) && solicitedMac(address) === group.mac);
}

/** Entries of the group, and of others that have its MAC address; of the bridge itself where the host has joined. */
export function membersOf(state: BridgeState, { mac }: Group, vlan: number): MdbEntry[] {
  return state.multicast.members.filter(
    (member) => groupMac(member.group) === mac && member.vlan === vlan,
  );
}

/** Per VLAN there is another state than the bridge's own, which is all that is read. */
function perVlan({ options }: BridgeState): boolean {
  return options.mcast_vlan_snooping === 1 || options.mcast_vlan_snooping === true;
}

/**
 * Who sends the queries of a family, in words; null where nobody does, undefined where the kernel does not tell. The
 * bridge's own MLD queries need an IPv6 address to come from (br_ip6_multicast_alloc_query()).
 */
export function querierOf(
  state: BridgeState,
  family: "ip4" | "ip6",
): { words: string } | null | undefined {
  const { querier } = state.multicast;
  const known = querier?.[family];
  if (known?.port != null) {
    const port = state.ports.find(({ ifindex }) => ifindex === known.port);
    return {
      words: `${known.address} behind ${port === undefined ? "a port that is gone" : `port ${port.name}`}`,
    };
  }
  const able = family === "ip4" || state.addresses.some((address) => isIPv6(address));
  if (state.mcastQuerier && able) return { words: `${state.name} itself` };
  return querier === undefined ? undefined : null;
}

/** Link-local IPv4 groups (224.0.0.0/24), the all-nodes group of IPv6, and what reports and queries themselves are sent to. */
function isNeverSnooped({ mac, family, ip, control }: Group): boolean {
  if (control) return true;
  if (ip !== null) return ip.startsWith("224.0.0.") || ip === "ff02::1";
  return family === "ip4" ? mac.startsWith("01:00:5e:00:00:") : mac === "33:33:00:00:00:01";
}

/** RFC 1112, 6.4: the low 23 bits; RFC 2464, 7: the low 32. What is no IP address is a MAC address already. */
export function groupMac(group: string): string {
  if (isIPv4(group)) {
    const [, second = 0, third = 0, fourth = 0] = group.split(".").map(Number);
    return `01:00:5e:${[second & 0x7f, third, fourth].map(hex).join(":")}`;
  }
  return isIPv6(group) ? `33:33:${lowBytes(group, 4).map(hex).join(":")}` : group;
}

/** RFC 4291, 2.7.1. */
export function solicitedMac(address: string): string {
  return `33:33:ff:${lowBytes(address, 3).map(hex).join(":")}`;
}

function hostAddresses({ addresses, uppers }: BridgeState): string[] {
  return [...addresses, ...uppers.flatMap((upper) => upper.addresses)];
}

function addressesBehind(port: Port | undefined): string[] {
  if (port?.peer == null) return [];
  return [...port.peer.addresses, ...port.peer.uppers.flatMap((upper) => upper.addresses)];
}

/** The last bytes of an IPv6 address, at most 4. */
function lowBytes(address: string, many: number): number[] {
  const dotted = /:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  if (dotted !== undefined) return dotted.split(".").map(Number).slice(-many);
  const [head = "", tail] = address.split("::");
  const words = (half: string) => (half === "" ? [] : half.split(":"));
  const after = words(tail ?? "");
  const all = tail === undefined ? words(head) : [...Array<string>(8).fill("0"), ...after];
  return all
    .slice(-2)
    .flatMap((word) => {
      const value = Number.parseInt(word, 16);
      return [value >> 8, value & 0xff];
    })
    .slice(-many);
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
