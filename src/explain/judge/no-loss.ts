/** What a bridge that works does not deliver: of such frames nothing is said. */

import type { BridgeState } from "../../bridge/state.ts";
import { groupOf, wantsGroup } from "../causes/groups.ts";
import type { Loss, LossContext } from "../causes/loss/cause.ts";
import { isUnspecified } from "../causes/loss/egress.ts";
import { isSentToItself } from "../causes/loss/no-hairpin.ts";
import type { Delivery } from "./delivery.ts";
import type { LostFlow } from "./lost-flows.ts";

/** Whatever else is so, these should not have left, or not by that port: no cause is asked. */
export function staysHere(
  loss: LostFlow,
  { before, state }: LossContext,
  delivery: Delivery,
): boolean {
  if (isLeaving(loss)) return loss.class === "unicast" && isStray(loss, delivery);
  if (isSentToItself(loss, { state })) return false;
  return (
    (delivery.isHosts(loss.destination) && choseNoPort(loss)) ||
    isReport(loss) ||
    [before, state].some((one) => isAlone(one, loss.port))
  );
}

/** Where no cause speaks up, these are as they should be. */
export function isRight(loss: Loss, { before, state }: LossContext, delivery: Delivery): boolean {
  const { class: kind, port, destination, vlan } = loss;
  if (isLeaving(loss)) {
    return kind === "multicast" && [before, state].every((one) => isUnwanted(one, loss));
  }
  if (isAnswered(loss, state) || isDeserted(state, port)) return true;
  // As an uplink hears all day: the destination is on the same side.
  return kind === "unicast" && delivery.portsOf(destination, vlan).has(port);
}

/**
 * Nobody dropped it, or the bridge did so since it had no port for it: what a filter drops on its way to the host, or a port
 * that does not forward (br_handle_frame()), has not arrived.
 */
function choseNoPort(loss: Loss): boolean {
  const { where } = loss;
  return (
    where === null ||
    (/^(?:br_(?!handle_frame\b)|maybe_deliver)/.test(where) && isUnspecified(loss))
  );
}

/** A port was chosen for it. */
function isLeaving({ behind, at, port }: Loss): boolean {
  return behind || at !== port;
}

/** A copy of a flood for a port that should not have it; of an address that nobody has, where others have left. */
function isStray({ destination, vlan, at, copies }: LostFlow, delivery: Delivery): boolean {
  const homes = delivery.portsOf(destination, vlan);
  return homes.size > 0 ? !homes.has(at) : copies > 0;
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
  return ports.every(
    ({ ifindex, up, carrier, flags }) => (ifindex === from && !flags.hairpin) || !up || !carrier,
  );
}

/** Nobody behind the port that the group's copy was for has joined it, as far as all that is there is seen. */
function isUnwanted(state: BridgeState, loss: Loss): boolean {
  const { at, vlan, addresses } = loss;
  const peer = state.ports.find(({ ifindex }) => ifindex === at)?.peer;
  const group = addresses.destination;
  if (peer == null || group === null || addresses.protocol === "ARP") return false;
  const ends = [peer, ...peer.uppers];
  return (
    !ends.some(({ joined }) => joined.includes(group)) &&
    !wantsGroup(state, at, groupOf(loss), vlan)
  );
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
