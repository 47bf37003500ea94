/** Frames for a group that a bridge with snooping and a querier sends to no port, or not to one behind which somebody waits for them. */

import { isIPv6 } from "node:net";
import type { BridgeState, Port } from "../../../bridge/state.ts";
import { users } from "../cause.ts";
import {
  type Group,
  groupMac,
  groupOf,
  membersOf,
  querierOf,
  solicitedMac,
  whyNotSnooped,
} from "../groups.ts";
import { whyClosed } from "../reach.ts";
import type { Proposed } from "../remedy.ts";
import { portPhrase } from "../whereabouts.ts";
import type { Loss, LossCause, LossContext, LossWhy } from "./cause.ts";

/** A port that the group does not go to, and how it is known that somebody there waits for it. */
interface Waiting {
  port: Port;
  /** The group that was joined there, or that the address is asked for by. */
  group: string;
  /** That is asked for by it; null for a group that is no solicited-node group. */
  address: string | null;
  how: "joined" | "address" | "neighbour";
  evidence: string;
}

/** More entries made by hand nobody keeps right. */
const MOST_ENTRIES = 4;
/** Linux sends its first report within a second of joining (unsolicited report interval), and some more. */
const YOUNG_MS = 2000;
/** br_multicast_flood() and br_flood() free what they have sent nowhere, or whoever calls them where they end with that. */
const CHOSE_NO_PORT = /^br_(?:multicast_flood|flood|handle_frame|handle_frame_finish|dev_xmit)\b/;
const NO_REASON: readonly (string | null)[] = [null, "NOT_SPECIFIED", "NO_TX_TARGET"];
/** The network of solicited-node groups (RFC 4291, 2.7.1). */
const SOLICITED = "ff02::1:ff";
/** MLD comes behind a hop-by-hop header (RFC 2710, 3), and hardly anything else does. */
const HOP_BY_HOP = "IP protocol 0";

export const snoopingNoMember: LossCause = (loss, { before, state }) => {
  if (loss.class !== "multicast" || loss.behind || !choseNoPort(loss)) return null;
  const asked = groupOf(loss);
  const report = asked.control || loss.addresses.protocol === HOP_BY_HOP;
  const group = { ...asked, control: false };
  const readings = [before, state].filter((one) => isHeldBack(one, group, loss));
  if (readings.length === 0) return null;
  // It goes to routers alone, and the bridge itself has read it.
  if (report) return "right";
  const all = waitingFor(state, group, loss);
  const able = all.filter(({ port }) => canGet(state, port, loss));
  const starving = able.filter(({ port }) => !isSent(state, port, group, loss.vlan));
  const old = starving.filter((one) => isLasting(loss) || wasWaiting(before, one, group, loss));
  if (old.length > 0) return whyStarving(state, group, loss, old);
  // Somebody else is to say why a port that is no member by our reading alone, or cannot get it, did not.
  const other =
    able.length < all.length || able.some(({ port }) => isSent(before, port, group, loss.vlan));
  return other ? null : "right";
};

/**
 * Copies that were not made for a port, of frames for a group that did reach others: nothing was dropped, so only the state
 * tells that somebody there waits for it. One for each flow and port.
 */
export function passedBy({ before, state, collected }: LossContext): Omit<Loss, "came">[] {
  return collected.flows.flatMap((flow) => {
    if (flow.class !== "multicast" || flow.copies === 0) return [];
    const group = groupOf(flow);
    if (![before, state].every((one) => isHeldBack(one, group, flow))) return [];
    const got = new Set(
      collected.got
        .filter(({ destination, vlan }) => destination === flow.destination && vlan === flow.vlan)
        .map(({ port }) => port),
    );
    const { port, source, destination, vlan, frames, steps, firstNs } = flow;
    const { addresses, sourcePort, destinationPort } = flow;
    const loss = (at: number): Omit<Loss, "came"> => ({
      ...{ class: "multicast", port, source, destination, vlan, frames, at },
      ...{ behind: false, where: null, reason: null, steps, firstNs },
      ...{ addresses, sourcePort, destinationPort },
      longest: Math.ceil(flow.bytes / Math.max(1, frames)),
    });
    return waitingFor(state, group, flow)
      .filter((one) => canGet(state, one.port, flow) && !got.has(one.port.ifindex))
      .filter((one) => [before, state].every((now) => !isSent(now, one.port, group, flow.vlan)))
      .map((one) => loss(one.port.ifindex));
  });
}

type Asked = Pick<Loss, "port" | "vlan">;

function choseNoPort({ where, reason, at, port }: Loss): boolean {
  if (where === null) return true;
  return at === port && CHOSE_NO_PORT.test(where) && NO_REASON.includes(reason);
}

/** Where the kernel does not tell who sends queries, that the group went nowhere tells that somebody does. */
function isHeldBack(state: BridgeState, group: Group, { vlan, port }: Asked): boolean {
  const why = whyNotSnooped(state, group, vlan);
  if (why !== null && why !== "unknown") return false;
  const from = state.ports.find(({ ifindex }) => ifindex === port);
  return from === undefined || !state.vlanFiltering || from.vlans.some(({ vid }) => vid === vlan);
}

/** On all ports but the one that it came in by, whether the bridge sends it there or not. */
function waitingFor(state: BridgeState, group: Group, { port: from, vlan }: Asked): Waiting[] {
  return state.ports
    .filter(({ ifindex, flags }) => ifindex !== from || flags.hairpin)
    .flatMap((port) => waitingAt(state, port, group, vlan) ?? []);
}

function waitingAt(state: BridgeState, port: Port, group: Group, vlan: number): Waiting | null {
  const ends = port.peer === null ? [] : [port.peer, ...port.peer.uppers];
  const isIt = (ip: string) => (group.ip === null ? groupMac(ip) === group.mac : ip === group.ip);
  const solicited = group.ip?.startsWith(SOLICITED) === true;
  const asks = (ip: string) => solicited && isIPv6(ip) && solicitedMac(ip) === group.mac;
  // Of a host's link-local address and its others with the same end people know the others.
  const addressOf = ({ addresses }: { addresses: readonly string[] }) =>
    addresses.find((ip) => asks(ip) && !ip.startsWith("fe80:")) ?? addresses.find(asks) ?? null;
  for (const end of ends) {
    const joined = end.joined.find(isIt);
    if (joined === undefined) continue;
    return {
      ...{ port, group: joined, address: addressOf(end), how: "joined" },
      evidence: `${end.name} in ${end.namespace.label} has joined ${joined} (/proc/net/${isIPv6(joined) ? "igmp6" : "igmp"} there), and ${state.name} has no report of it from ${port.name}: not for ${heldFor(state)}, whatever was sent`,
    };
  }
  if (group.ip === null) return null;
  for (const end of ends) {
    const address = addressOf(end);
    if (address === null) continue;
    return {
      ...{ port, group: group.ip, address, how: "address" },
      evidence: `${end.name} in ${end.namespace.label} has ${address}, which is asked for by ${group.ip}`,
    };
  }
  if (port.peer !== null) return null;
  for (const { ip, address, namespace } of users(state)) {
    const at = state.entries.find((entry) => entry.address === address && entry.vlan === vlan);
    if (at?.port !== port.ifindex || !asks(ip)) continue;
    return {
      ...{ port, group: group.ip, address: ip, how: "neighbour" },
      evidence: `${namespace.label} knows ${ip} at ${address}, and the FDB has that at ${port.name}`,
    };
  }
  return null;
}

/** A member or a router is there. */
function isSent(state: BridgeState, port: Port, group: Group, vlan: number): boolean {
  const { family } = group;
  return (
    membersOf(state, group, vlan).some((member) => member.port === port.ifindex) ||
    (family !== "other" &&
      state.multicast.routers.some((one) => one.port === port.ifindex && one[family]))
  );
}

function canGet(state: BridgeState, port: Port, { port: ingress, vlan }: Asked): boolean {
  const from = state.ports.find(({ ifindex }) => ifindex === ingress);
  const within = !state.vlanFiltering || port.vlans.some(({ vid }) => vid === vlan);
  return port.up && port.carrier && within && whyClosed(from, port) === null;
}

/** Whoever joined meanwhile may not have said so yet. */
function wasWaiting(before: BridgeState, { port }: Waiting, group: Group, asked: Asked): boolean {
  return waitingFor(before, group, asked).some((one) => one.port.ifindex === port.ifindex);
}

function isLasting({ steps }: Loss): boolean {
  const [first, last] = [steps[0], steps.at(-1)];
  return first !== undefined && last !== undefined && last.endMs - first.endMs >= YOUNG_MS;
}

function whyStarving(
  state: BridgeState,
  group: Group,
  { vlan }: Asked,
  waiting: readonly Waiting[],
): LossWhy | null {
  const [first, ...more] = waiting;
  if (first === undefined) return null;
  const { name } = state;
  const address = waiting.find((one) => one.address !== null)?.address ?? null;
  const ports = waiting.map(({ port }) => portPhrase(port)).join(", ");
  const there = more.length === 0 ? `at ${first.port.name}` : "at any of these";
  const nobody = `with snooping and a querier ${name} sends it to its members alone`;
  const seen = waiting.every(({ how }) => how !== "neighbour");
  return {
    ...{ kind: "loss", cause: "snooping-no-member" },
    title:
      address === null
        ? `${first.group} was joined behind ${ports}, and has no member ${there}: ${nobody}`
        : `${address} is behind ${ports}, and its solicited-node group ${first.group} has no member ${there}: ${nobody}, so ${address} hears no neighbour solicitation`,
    basis: seen && isTold(state, group) ? "observed" : "inferred",
    alternatives: seen
      ? []
      : ["the address is no longer used there: then nobody misses these frames"],
    evidence: [
      `bridge mdb show dev ${name}: ${membersPhrase(state, group, vlan)}`,
      querierPhrase(state, group),
      ...waiting.slice(0, MOST_ENTRIES).map(({ evidence }) => evidence),
    ],
    remedy: remedyFor(state, first.group, vlan, waiting),
  };
}

function remedyFor(
  { name }: BridgeState,
  group: string,
  vlan: number,
  waiting: readonly Waiting[],
): Proposed {
  if (waiting.length > MOST_ENTRIES) {
    return {
      none: `${waiting.length} ports are without a member: their hosts' reports have to reach ${name} (a packet filter there may drop them), for nobody keeps so many entries right by hand`,
    };
  }
  const ports = waiting.map(({ port }) => port);
  return {
    change: { set: "member", group, vlan, ports },
    effect: `${name} sends ${group} to ${ports.map((port) => port.name).join(", ")} as well, and to no other port`,
    risk: "the entry is for this one group, and stays when whoever waits for it moves or takes another address; what keeps the host's reports from the bridge is still there",
  };
}

function membersPhrase(state: BridgeState, group: Group, vlan: number): string {
  const told = group.ip ?? group.mac;
  const at = membersOf(state, group, vlan).map(({ port }) =>
    port === state.ifindex
      ? state.name
      : (state.ports.find(({ ifindex }) => ifindex === port)?.name ?? "a port that is gone"),
  );
  return at.length === 0
    ? `no entry of ${told}`
    : `${told} at ${[...new Set(at)].join(", ")} alone`;
}

function querierPhrase(state: BridgeState, { family }: Group): string {
  const protocol = family === "ip4" ? "IGMP" : "MLD";
  const by = family === "other" ? undefined : querierOf(state, family);
  if (by === undefined) {
    return `this kernel does not tell who sends ${protocol} queries (before 5.16): that these frames went nowhere tells that somebody does`;
  }
  return by === null
    ? `nobody sends ${protocol} queries any more`
    : `${protocol} queries come from ${by.words}`;
}

function isTold(state: BridgeState, { family }: Group): boolean {
  return family !== "other" && querierOf(state, family) !== undefined;
}

/** How long a member lives without a report. */
function heldFor({ options }: BridgeState): string {
  const interval = options.mcast_membership_intvl;
  return `${(typeof interval === "number" ? interval : 26_000) / 100} s (mcast_membership_intvl)`;
}
