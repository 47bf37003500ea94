/** What a bridge that works does not deliver: of such frames nothing is said. */

import type { BridgeState } from "../bridge/state.ts";
import { groupOf, wantsGroup } from "./causes/groups.ts";
import type { Loss, LossContext } from "./causes/loss/cause.ts";
import type { Delivery } from "./delivery.ts";

/** Whatever else is so, these should not leave: no cause is asked. */
export function staysHere(loss: Loss, { before, state }: LossContext, delivery: Delivery): boolean {
  if (loss.behind) return false;
  return (
    delivery.isHosts(loss.destination) ||
    isReport(loss) ||
    [before, state].some((one) => isAlone(one, loss.port))
  );
}

/** IGMP, and MLD of version 2: with snooping on they go to routers alone (br_multicast_rcv()). */
function isReport({ addresses: { destination, protocol } }: Loss): boolean {
  return protocol === "IGMP" || destination === "ff02::16";
}

/** There is no other port that they could leave by. */
function isAlone({ ports }: BridgeState, from: number): boolean {
  return ports.every(({ ifindex, flags }) => ifindex === from && !flags.hairpin);
}

/** Nobody is at any other port. */
function isDeserted({ ports }: BridgeState, from: number): boolean {
  return ports.every(({ ifindex, up, carrier }) => ifindex === from || !up || !carrier);
}

/** Where no cause speaks up, these are as they should be. */
export function isRight(loss: Loss, { before, state }: LossContext, delivery: Delivery): boolean {
  const { class: kind, port, at, behind, destination, vlan } = loss;
  const leaving = behind || at !== port;
  if (kind === "unicast") {
    const homes = delivery.portsOf(destination, vlan);
    // As an uplink hears all day: the destination is on the same side.
    if (!leaving) return homes.has(port) || isDeserted(state, port);
    // A copy of a flood, by a port that should not have it.
    return homes.size > 0 ? !homes.has(at) : behind;
  }
  if (!leaving && (isAnswered(loss, state) || isDeserted(state, port))) return true;
  if (kind !== "multicast") return false;
  const wants = (one: BridgeState, ifindex: number) =>
    wantsGroup(one, ifindex, groupOf(loss), vlan) || hasJoined(one, ifindex, loss);
  const states = [before, state];
  if (leaving) return !states.some((one) => wants(one, at));
  return !states.some((one) =>
    [one, ...one.ports].some(({ ifindex }) => ifindex !== port && wants(one, ifindex)),
  );
}

/** A host behind the port has joined the group, whether the bridge has heard of it or not. */
function hasJoined({ ports }: BridgeState, at: number, { addresses }: Loss): boolean {
  const peer = ports.find(({ ifindex }) => ifindex === at)?.peer;
  const group = addresses.destination;
  if (peer == null || group === null) return false;
  return [peer, ...peer.uppers].some(({ joined }) => joined.includes(group));
}

/** The bridge answers itself for the neighbours that it knows (br_do_proxy_suppress_arp(), br_do_suppress_nd()). */
function isAnswered({ class: kind, addresses, port }: Loss, { ports }: BridgeState): boolean {
  const { protocol, destination } = addresses;
  const asks =
    (protocol === "ARP" && kind === "broadcast") ||
    (protocol === "ICMPv6" && destination?.startsWith("ff02::1:ff"));
  const others = ports.filter(({ ifindex, state }) => ifindex !== port && state === "forwarding");
  return asks === true && others.length > 0 && others.every(({ flags }) => flags.neighSuppress);
}
