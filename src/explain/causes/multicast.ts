import { isIPv6 } from "node:net";
import type { BridgeState, MdbEntry } from "../../bridge/state.ts";
import type { Collected, Flow } from "../../live/collect.ts";
import type { Cause, Why } from "./cause.ts";
import { type Group, groupOf, membersOf, querierOf, whyNotSnooped } from "./groups.ts";
import { notFlooded } from "./reach.ts";

/**
 * With a querier br_multicast_rcv() sends a group to its members and to routers alone: a host
 * whose reports the bridge does not hear gets no neighbour solicitation any more, and IPv6 to it ends.
 */
const NONE =
  "with snooping and a querier on, a host whose reports the bridge does not hear gets its groups no longer, IPv6 neighbour solicitations among them, and is cut off from IPv6";

/** Somebody has turned snooping off. On, without a querier, is what every bridge is from the start. */
export const multicast: Cause = {
  notes: (state) =>
    state.mcastSnooping
      ? []
      : [
          {
            cause: "multicast-unregistered",
            text: `${state.name} does not listen to IGMP and MLD (mcast_snooping 0): every multicast frame goes to ${everyPort(state)}`,
            remedy: { none: NONE },
          },
        ],
};

/** Why a group's frames went to ports that have not joined it. */
export function whyGroup(state: BridgeState, { got }: Collected, flow: Flow): Why {
  const group = groupOf(flow);
  const members = membersOf(state, group, flow.vlan);
  const told = group.ip ?? group.mac;
  const why: Pick<Why, "cause" | "basis" | "alternatives"> = {
    ...{ cause: "multicast-unregistered", basis: "inferred", alternatives: [] },
  };
  const joined = joinedPhrase(state, members);
  const { name } = state;
  switch (whyNotSnooped(state, group, flow.vlan)) {
    case "never":
      return {
        ...why,
        title: `${told} goes to ${everyPort(state)}: ${neverPhrase(group)}`,
        remedy: { none: "no setting of snooping changes that: whoever sends it has to send less" },
      };
    case "off":
      return {
        ...why,
        title: `${name} does not listen to IGMP and MLD (mcast_snooping 0): ${told} goes to ${everyPort(state)}, as every group does`,
        remedy: { none: NONE },
      };
    case "vlans":
      return {
        ...why,
        title: `${told} goes to ports that have not joined it; ${name} keeps what it knows of groups by VLAN (mcast_vlan_snooping), which is not judged here`,
        remedy: null,
      };
    case "unknown":
      return {
        ...why,
        title: `${told} goes to ${everyPort(state)} while nobody sends ${protocolOf(group)} queries; this kernel does not tell whether anybody does, and ${name} does not${joined}`,
        remedy: { none: NONE },
      };
    case "no-querier":
      return {
        ...why,
        title: `nobody on ${name} sends ${protocolOf(group)} queries${lacking(state, group)}: until somebody does, ${told} goes to ${everyPort(state)}${joined}`,
        remedy: { none: NONE },
      };
    case null:
      return { ...why, ...whySnooped(state, group, flow, members, got) };
  }
}

/** The bridge sends it to members and routers alone, and yet others got it, or nobody has joined. */
function whySnooped(
  state: BridgeState,
  group: Group,
  { vlan, destination }: Flow,
  members: readonly MdbEntry[],
  got: Collected["got"],
): Pick<Why, "title" | "alternatives" | "remedy"> {
  const told = group.ip ?? group.mac;
  const { family } = group;
  const routers = state.multicast.routers.filter((one) => family !== "other" && one[family]);
  const routed = new Set(routers.map(({ port }) => port));
  const to = got.filter((one) => one.destination === destination && one.vlan === vlan);
  const expected = new Set([...members.map(({ port }) => port), ...routed]);
  const others = to.filter(({ port, copies }) => copies > 0 && !expected.has(port));
  if (others.length === 0 && routed.size > 0) {
    const who =
      members.length === 0
        ? "nobody is known to have joined it"
        : joinedPhrase(state, members).slice(2);
    return {
      title: `${told} goes to ${namesPhrase(state, [...routed])}, behind which a multicast router is: ${who}`,
      alternatives: [],
      remedy: {
        none: "a router is to get every group (multicast_router of the port), and decides itself",
      },
    };
  }
  const querier = family === "other" ? undefined : querierOf(state, family);
  const by = querier == null ? "" : ` (queries come from ${querier.words})`;
  return {
    title: `${told} went to ${namesPhrase(
      state,
      others.map(({ port }) => port),
    )} though ${members.length === 0 ? "nobody is known to have joined it" : `only others have joined it${joinedPhrase(state, members)}`}${by}`,
    alternatives: [
      "the querier is new: until its first queries are answered (mcast_query_response_intvl) every group goes to every port",
      "somebody has joined or left meanwhile",
    ],
    remedy: null,
  };
}

function neverPhrase({ family, control, mac, ip }: Group): string {
  if (control) return "it is of IGMP itself, by which the bridge learns who has joined";
  if (family === "other") {
    return "the bridge listens to who joins groups of IPv4 and IPv6, and this is neither";
  }
  return family === "ip4"
    ? `groups of the local network (224.0.0.x${ip === null ? `, by ${mac}` : ""}) are never held back`
    : "the group of all nodes is never held back";
}

function protocolOf({ family }: Group): string {
  return family === "ip4" ? "IGMP" : "MLD";
}

function lacking({ name, mcastQuerier, addresses }: BridgeState, { family }: Group): string {
  const without = family === "ip6" && mcastQuerier && !addresses.some((one) => isIPv6(one));
  return without ? ` (mcast_querier is on, but ${name} has no IPv6 address to send them from)` : "";
}

/** `, joined behind pb and by the host alone`, or nothing. */
function joinedPhrase(state: BridgeState, members: readonly MdbEntry[]): string {
  const by = [
    ...behindPhrase(state, members),
    ...(members.some(({ port }) => port === state.ifindex) ? ["by the host"] : []),
  ];
  return by.length === 0 ? "" : `, joined ${by.join(" and ")} alone`;
}

function behindPhrase(state: BridgeState, members: readonly MdbEntry[]): string[] {
  const ports = members.map(({ port }) => port).filter((port) => port !== state.ifindex);
  return ports.length === 0 ? [] : [`behind ${namesPhrase(state, ports)}`];
}

function namesPhrase(state: BridgeState, ports: readonly number[]): string {
  const names = [...new Set(ports)].map((ifindex) => {
    const port = state.ports.find((one) => one.ifindex === ifindex);
    return ifindex === state.ifindex ? "the host" : (port?.name ?? "a port that is gone");
  });
  return names.length === 0 ? "ports that have not joined it" : names.join(", ");
}

/** What a group that is not held back is sent to. */
function everyPort({ ports }: BridgeState): string {
  const flags = new Set(ports.flatMap((port) => notFlooded(port, "multicast") ?? []));
  return flags.size === 0 ? "every port" : `every port but those where ${[...flags].join(" or ")}`;
}
