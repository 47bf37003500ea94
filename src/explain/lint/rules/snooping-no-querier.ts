import { isIPv4, isIPv6 } from "node:net";
import type { BridgeState, MdbEntry, Port } from "../../../bridge/state.ts";
import { type Group, groupMac, querierOf, whyNotSnooped } from "../../causes/groups.ts";
import { type Judgement, type Rule, some } from "./rule.ts";

/**
 * Without a querier of its family a bridge sends a group to all ports, whoever has joined (br_multicast_querier_exists()), as
 * every bridge does as it is made; that is told only where somebody relies on more: where mcast_flood is off at a member's port,
 * which then gets nothing, and where a group of more than this link is joined, which then goes to all others too.
 */
export const snoopingNoQuerier: Rule = {
  name: "snooping-no-querier",
  judge: (state) =>
    (["ip4", "ip6"] as const).flatMap((family): Judgement[] => {
      const members = state.multicast.members.filter(
        ({ group, vlan }) =>
          familyOf(group) === family &&
          whyNotSnooped(state, groupFor(group), vlan) === "no-querier",
      );
      if (members.length === 0 || querierOf(state, family) !== null) return [];
      return [...cutOff(state, members, family), ...everywhere(state, members, family)];
    }),
};

function cutOff(
  state: BridgeState,
  members: readonly MdbEntry[],
  family: "ip4" | "ip6",
): Judgement[] {
  const closed = state.ports.filter(
    ({ flags, vxlan, ifindex }) =>
      !flags.mcastFlood &&
      !flags.neighSuppress &&
      vxlan === null &&
      members.some(({ port }) => port === ifindex),
  );
  if (closed.length === 0) return [];
  const names = some(closed.map(({ name }) => name));
  const groups = groupsAt(members, closed);
  return [
    {
      severity: "high",
      text: `mcast_flood is off at ${names}, behind which ${groups} was joined, and nobody on ${state.name} sends ${protocolOf(family)} queries: until somebody does, groups are flooded alone, so it gets nothing of what it has joined`,
      evidence: [
        `${groups} at ${names} in the MDB`,
        `no ${protocolOf(family)} querier, and mcast_flood off there`,
      ],
      remedy: {
        none: "mcast_flood off is for a bridge with a querier for every family that its hosts use: either one is set up, whose queries all hosts answer, or mcast_flood is on again",
      },
    },
  ];
}

function everywhere(
  state: BridgeState,
  members: readonly MdbEntry[],
  family: "ip4" | "ip6",
): Judgement[] {
  const wide = members.filter(({ group, permanent }) => !permanent && goesFar(group));
  if (wide.length === 0 || state.ports.length < 3) return [];
  const groups = groupsAt(wide);
  const at = new Set(wide.map(({ port }) => port));
  const names = some(state.ports.flatMap(({ name, ifindex }) => (at.has(ifindex) ? [name] : [])));
  return [
    {
      severity: "low",
      text: `${groups} is joined ${names === "" ? "by the host" : `behind ${names}`} alone, but goes to all ${state.ports.length} ports of ${state.name}, since nobody sends ${protocolOf(family)} queries`,
      evidence: [`${groups} in the MDB`, `no ${protocolOf(family)} querier`],
      remedy: {
        none: "with a querier a host whose reports the bridge does not hear gets its groups no longer, IPv6 neighbour solicitations among them: one is set up only where all hosts are known to answer",
      },
    },
  ];
}

function groupsAt(members: readonly MdbEntry[], ports?: readonly Port[]): string {
  const there = members.filter(
    ({ port }) => ports === undefined || ports.some(({ ifindex }) => ifindex === port),
  );
  return some([...new Set(there.map(({ group }) => group))], 3);
}

/** Of more than this link: IPv4 beyond 224.0.0.0/24, IPv6 by its scope (RFC 4291, 2.7). What finds devices (SSDP) everybody joins. */
function goesFar(group: string): boolean {
  if (isIPv4(group)) return !group.startsWith("224.0.0.") && group !== "239.255.255.250";
  const scope = Number.parseInt(group[3] ?? "0", 16);
  return scope > 3 && !/^ff..::c$/.test(group);
}

function familyOf(group: string): Group["family"] {
  if (isIPv4(group)) return "ip4";
  return isIPv6(group) ? "ip6" : "other";
}

export function groupFor(ip: string): Group {
  return { mac: groupMac(ip), family: isIPv4(ip) ? "ip4" : "ip6", ip, control: false };
}

function protocolOf(family: "ip4" | "ip6"): string {
  return family === "ip4" ? "IGMP" : "MLD";
}
