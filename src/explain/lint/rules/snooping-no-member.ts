import { isIPv6 } from "node:net";
import type { BridgeState, Peer, Port, Upper } from "../../../bridge/state.ts";
import { membersOf, querierOf, snooped, solicitedMac } from "../../causes/groups.ts";
import { portPhrase } from "../../causes/whereabouts.ts";
import { type Judgement, needsPeers, type Rule, some } from "./rule.ts";
import { groupFor } from "./snooping-no-querier.ts";

/** More groups in the lack of a member have one reason, which no entries made by hand mend. */
const MOST_ENTRIES = 4;

/**
 * With snooping and a querier a group goes to its members and to routers alone. Who has joined it behind a port without a
 * member there gets nothing of it; of a solicited-node group that is: nobody finds it over IPv6.
 */
export const snoopingNoMember: Rule = {
  name: "snooping-no-member",
  judge: (state) => {
    const lacking = starving(state);
    const byGroup = new Map<string, Starving[]>();
    for (const one of lacking) {
      const key = `${one.group} ${one.vlan}`;
      byGroup.set(key, [...(byGroup.get(key) ?? []), one]);
    }
    const groups = [...byGroup.values()];
    return groups.length > MOST_ENTRIES
      ? [judgement(state, lacking, false)]
      : groups.map((same) => judgement(state, same, true));
  },
  unjudged: (state, facts) =>
    state.mcastSnooping && (["ip4", "ip6"] as const).some((family) => querierOf(state, family))
      ? needsPeers(state, facts)
      : null,
};

interface Starving {
  port: Port;
  end: Peer | Upper;
  group: string;
  vlan: number;
}

function starving(state: BridgeState): Starving[] {
  return state.ports.flatMap((port): Starving[] => {
    const { peer, pvid: vlan, vxlan } = port;
    const open = port.up && port.carrier && port.state === "forwarding";
    if (peer === null || vlan === null || vxlan !== null || !open) return [];
    // What is sent in another VLAN is not told by untagged frames.
    const ends = [peer, ...peer.uppers.filter(({ kind }) => kind !== "vlan" && kind !== "bridge")];
    return ends.flatMap((end) =>
      end.joined
        .filter((group) => !isWithinHost(group) && !reaches(state, port, group, vlan))
        .map((group) => ({ port, end, group, vlan })),
    );
  });
}

/** ff01:: is of an interface alone (RFC 4291, 2.7). */
function isWithinHost(group: string): boolean {
  return /^ff.[01]:/.test(group);
}

/** The bridge sends it there: to a member, to a router, or to all. */
function reaches(state: BridgeState, { ifindex }: Port, ip: string, vlan: number): boolean {
  const group = groupFor(ip);
  if (!snooped(state, group, vlan)) return true;
  if (membersOf(state, group, vlan).some((member) => member.port === ifindex)) return true;
  const { family } = group;
  return (
    family !== "other" &&
    state.multicast.routers.some((router) => router.port === ifindex && router[family])
  );
}

function judgement(state: BridgeState, all: readonly Starving[], single: boolean): Judgement {
  const groups = some([...new Set(all.map(({ group }) => group))], 3);
  const ports = [...new Set(all.map(({ port }) => port))];
  const where = some(ports.map(portPhrase), 3);
  const [first] = all;
  const family = groups.includes(":") ? "ip6" : "ip4";
  const querier = querierOf(state, family)?.words ?? "somebody";
  const addresses = [...new Set(all.flatMap(({ end, group }) => askedBy(end, group)))];
  const asked =
    addresses.length === 0
      ? ""
      : `; ${some(addresses, 3)} is asked for by it, so nobody finds it over IPv6`;
  return {
    severity: "high",
    text: `${groups} was joined behind ${where}, and ${state.name}, which sends groups to their members alone since queries come from ${querier}, has no member there: what is sent to it does not arrive${asked}`,
    evidence: [
      ...all
        .slice(0, MOST_ENTRIES)
        .map(({ end, group }) => `${end.name} of ${end.namespace.label} has joined ${group}`),
      `bridge mdb show dev ${state.name}: no such entry at ${some(ports.map(({ name }) => name))}`,
    ],
    remedy:
      single && first !== undefined
        ? {
            change: { set: "member", group: first.group, vlan: first.vlan, ports },
            effect: `${state.name} sends ${first.group} to ${some(ports.map(({ name }) => name))} as well, and to no other port`,
            risk: "the entry is for this one group, and stays when whoever waits for it moves or takes another address; what keeps the host's reports from the bridge is still there",
          }
        : {
            none: `the reports of these hosts have to reach ${state.name} (a packet filter there may drop them, or they do not answer its querier): nobody keeps so many entries right by hand`,
          },
  };
}

/** Addresses of whoever joined it that solicitations of this group ask for; link-local ones where there are no others. */
function askedBy({ addresses }: Peer | Upper, group: string): string[] {
  const { mac } = groupFor(group);
  const asked = addresses.filter((ip) => isIPv6(ip) && solicitedMac(ip) === mac);
  const far = asked.filter((ip) => !ip.startsWith("fe80:"));
  return far.length > 0 ? far : asked;
}
