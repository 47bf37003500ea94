import type { BridgeState, Remote } from "../../../bridge/state.ts";
import type { Collected } from "../../../live/collect.ts";
import { plural } from "../../../text/units.ts";
import {
  DEFAULT,
  type Device,
  entriesFor,
  fixedNeighbours,
  knownRemotes,
  lackingRemote,
  remotesFor,
  type VxlanPort,
  vxlanPort,
  whoKnows,
} from "../overlay.ts";
import type { Proposed } from "../remedy.ts";
import { homesOf } from "../whereabouts.ts";
import type { Loss, LossCause, LossContext, LossWhy } from "./cause.ts";

/** Of vxlan_xmit(); VXLAN_NO_REMOTE is what NO_TX_TARGET was called before Linux 6.14, and earlier ones gave no reason. */
const REASONS = ["NO_TX_TARGET", "VXLAN_NO_REMOTE"];
const NO_REASON = [null, "NOT_SPECIFIED"];

/** The frame was sent by a VXLAN device whose own FDB has no remote for it, and no default one. */
export const vxlanNoRemote: LossCause = (loss, context) => {
  const port = vxlanPort(context.state, loss.at) ?? vxlanPort(context.before, loss.at);
  if (port === null || !/^vxlan_xmit(\.|$)/.test(loss.where ?? "")) return null;
  if (loss.reason === "TUNNEL_TXINFO") return withoutTunnel(port);
  if (!REASONS.includes(loss.reason ?? "") && !isWithoutReason(loss, context, port)) return null;
  // The frames themselves say whose they are, and the state has none of that.
  if (port.vxlan.external) return null;
  if (loss.class === "unicast" && isSaidToBeAt(loss, context, port)) {
    return withoutEntry(loss.destination, context, port);
  }
  return carriesFloods(port) && !livesElsewhere(loss, context, port)
    ? withoutDefault(context, port)
    : "right";
};

function isWithoutReason(
  { reason, destination }: Loss,
  { before, state }: LossContext,
  port: Device,
) {
  const lacks = (one: BridgeState) => {
    const then = vxlanPort(one, port.ifindex);
    return then !== null && remotesFor(then.vxlan, destination).length === 0;
  };
  return NO_REASON.includes(reason) && (lacks(state) || lacks(before));
}

/** The bridge has an entry of it at that port, or who answers for others there does. */
function isSaidToBeAt(
  { destination, vlan }: Loss,
  { before, state, collected }: LossContext,
  port: VxlanPort,
): boolean {
  return (
    entriesOf([before, state], collected, destination, vlan).includes(port.ifindex) ||
    [before, state].some((one) =>
      fixedNeighbours(one, port).some(({ address }) => address === destination),
    )
  );
}

/** A frame for it was flooded, and its copy by this port is of no use to anybody. */
function livesElsewhere(
  { class: kind, destination, vlan }: Loss,
  { before, state, collected }: LossContext,
  port: VxlanPort,
): boolean {
  if (kind !== "unicast") return false;
  const at = (one: number) => one !== port.ifindex;
  return (
    entriesOf([before, state], collected, destination, vlan).some(at) ||
    homesOf(state, destination).some((home) => at(home.port?.ifindex ?? state.ifindex))
  );
}

/** The ports that an address has, or had, an entry at. */
function entriesOf(
  states: readonly BridgeState[],
  { homes }: Collected,
  address: string,
  vlan: number,
): number[] {
  return [...states.flatMap(({ entries }) => entries), ...homes]
    .filter((entry) => entry.address === address && entry.vlan === vlan)
    .map(({ port }) => port);
}

/**
 * Whether broadcast and what is unknown is meant to cross: by proxy, neighbours are answered for and nothing is flooded, as
 * in Docker's overlays; a device that learns nothing and knows nobody has no other host in its network yet.
 */
function carriesFloods({ vxlan: { proxy, learning, remotes } }: VxlanPort): boolean {
  return !proxy && (learning || remotes.length > 0);
}

function withoutEntry(address: string, context: LossContext, port: VxlanPort): LossWhy {
  const { before, state } = context;
  const { name, vxlan } = port;
  const { text, neighbours } = lackingRemote(state, port, address);
  const was = gone(context, port, address);
  const said = [
    ...entryAt([state, before], port, address),
    ...neighbours.map(({ ip }) => `${ip} is a permanent neighbour there with that address`),
  ].join(", and ");
  return {
    ...{ kind: "loss", cause: "vxlan-no-remote", basis: "observed", alternatives: [] },
    title: text,
    evidence: [
      ...(said === "" ? [] : [said]),
      was.length > 0
        ? `its entry at ${namesOf(was)} went while this was looking`
        : `\`bridge fdb show dev ${name}\` has no \`dst\` for it, and none for ${DEFAULT}`,
      ...dropped(context, port),
    ],
    remedy:
      putBack(port, was, `frames for ${address} go to ${namesOf(was)}`) ??
      (entriesFor(vxlan, address).length > 0
        ? { none: `${name} has a remote for it by now` }
        : { none: whoKnows(state, port, address) }),
  };
}

function entryAt(states: readonly BridgeState[], { ifindex, name }: Device, address: string) {
  const entry = states
    .flatMap(({ entries }) => entries)
    .find((one) => one.address === address && one.port === ifindex);
  if (entry === undefined) return [];
  return [`the bridge has ${entry.static ? "a static" : "a learned"} entry for it at ${name}`];
}

function withoutDefault(context: LossContext, port: VxlanPort): LossWhy {
  const { name, vxlan } = port;
  const was = gone(context, port, DEFAULT);
  const known = knownRemotes(vxlan);
  return {
    ...{ kind: "loss", cause: "vxlan-no-remote", basis: "observed" },
    title: `${name} (VNI ${vxlan.vni}) has no default remote: broadcast, ARP with it, and frames for whom it has no entry end there`,
    alternatives: known === "" && was.length === 0 ? ["no other host is in its network yet"] : [],
    evidence: [
      ...(was.length > 0
        ? [`its default remote ${namesOf(was)} went while this was looking`]
        : [
            `\`bridge fdb show dev ${name}\` has no entry ${DEFAULT}${known === "" ? "" : `, and entries of single hosts at ${known}`}`,
          ]),
      ...dropped(context, port),
    ],
    remedy: putBack(port, was, `${name} sends such frames to ${namesOf(was)} again`) ?? {
      none: `which hosts are in its network is not known here for sure: \`bridge fdb append ${DEFAULT} dev ${name} dst THEIR-ADDRESS self permanent\` for each of them`,
    },
  };
}

function withoutTunnel({ name }: Device): LossWhy {
  return {
    ...{ kind: "loss", cause: "vxlan-no-remote", basis: "observed", alternatives: [] },
    title: `${name} is external: it sends frames where their tunnel information says, and these had none`,
    evidence: [
      `vxlan_xmit() wants \`vlan_tunnel on\` at the port and a VNI for the frame's VLAN (\`bridge vlan show dev ${name} tunnelshow\`)`,
    ],
    remedy: null,
  };
}

/** Entries of the address that were there when this began, and are no more. */
function gone({ before, state }: LossContext, { ifindex }: Device, address: string): Remote[] {
  const of = (one: BridgeState) => entriesFor(vxlanPort(one, ifindex)?.vxlan ?? NOTHING, address);
  return of(state).length > 0 ? [] : of(before).filter(({ ip }) => ip !== null);
}

const NOTHING = { remotes: [] };

function namesOf(remotes: readonly Remote[]): string {
  return remotes.map(({ ip }) => ip).join(" and ");
}

function putBack(device: Device, [first, ...more]: Remote[], effect: string): Proposed {
  if (first === undefined) return null;
  return {
    change: { set: "remotes", device, remotes: [first, ...more] },
    effect,
    risk: "the entry does not age and does not follow the address to another host; who took it away may have known that it has moved",
  };
}

function dropped({ before, state }: LossContext, { name, ifindex }: Device): string[] {
  const of = (one: BridgeState) => vxlanPort(one, ifindex)?.counters.txDropped ?? 0;
  const more = of(state) - of(before);
  const from = "from the first reading to the last";
  return more > 0 ? [`${name} counted ${plural(more, "dropped frame")} ${from}`] : [];
}
