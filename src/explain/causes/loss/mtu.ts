/** Frames that are too long for the device that they leave by, or for its other end: is_skb_forwardable(), br_nf_dev_queue_xmit(). */

import type { BridgeState, Peer, Port } from "../../../bridge/state.ts";
import type { Device } from "../link-settings.ts";
import { raised } from "../mtu.ts";
import type { Proposed } from "../remedy.ts";
import { portPhrase } from "../whereabouts.ts";
import type { Loss, LossCause, LossWhy } from "./cause.ts";
import { isAtOtherEnd } from "./egress.ts";

const HEADER = 14;
/** is_skb_forwardable() lets a VLAN tag pass; br_netfilter does not. */
const TAG = 4;
const REASONS: readonly (string | null)[] = [null, "NOT_SPECIFIED", "PKT_TOO_BIG"];
/** IPv6 does not run over less (RFC 8200, 5). */
const LEAST_MTU = 1280;

export const mtu: LossCause = (loss, { state }) => {
  const { at, where, reason } = loss;
  const egress = state.ports.find(({ ifindex }) => ifindex === at);
  if (egress === undefined || where === null || !REASONS.includes(reason)) return null;
  const payload = loss.longest - HEADER;
  if (where.startsWith("br_")) {
    if (
      !/^br_(?:dev_queue_push_xmit|nf_dev_queue_xmit|nf_ip_fragment|ip6_fragment)\b/.test(where)
    ) {
      return null;
    }
    const slack = where.startsWith("br_dev_queue_push_xmit") ? TAG : 0;
    return payload <= egress.mtu + slack ? null : tooLong(state, loss, egress);
  }
  const { peer } = egress;
  if (peer === null || !isAtOtherEnd(where)) return null;
  return payload <= peer.mtu + TAG ? null : tooLongBehind(state, loss, egress, peer);
};

function tooLong(state: BridgeState, loss: Loss, egress: Port): LossWhy {
  const sender = senderOf(state, loss);
  const { peer } = egress;
  const fits = peer !== null && peer.mtu >= loss.longest - HEADER;
  return {
    ...whyOf(state, loss, sender, egress),
    ...(fits
      ? {
          title: `${portPhrase(egress)} has an MTU of ${egress.mtu}, and its other end one of ${peer.mtu}: longer frames are dropped there`,
          remedy: raised(state, egress, peer.mtu),
        }
      : {
          title: `${portPhrase(egress)} has an MTU of ${egress.mtu}${sentWith(sender)}: longer frames are dropped`,
          remedy: shorter(sender, egress.mtu),
        }),
  };
}

function tooLongBehind(state: BridgeState, loss: Loss, egress: Port, peer: Peer): LossWhy {
  const sender = senderOf(state, loss);
  const device = { ...peer, place: peer.namespace };
  const fits = egress.mtu >= loss.longest - HEADER;
  return {
    ...whyOf(state, loss, sender, egress),
    title: `${peer.name}, the other end of ${portPhrase(egress)}, has an MTU of ${peer.mtu}, and the port one of ${egress.mtu}: longer frames are dropped between them`,
    remedy: fits
      ? {
          change: { set: "mtu", device, bytes: egress.mtu },
          effect: `${peer.name} takes frames of up to ${egress.mtu} bytes`,
          risk: `it sends as long ones too: where they go on by a tunnel, which may be why it was set, they are dropped there`,
        }
      : shorter(sender, Math.min(peer.mtu, egress.mtu)),
  };
}

function whyOf(
  state: BridgeState,
  { longest, where }: Loss,
  sender: Device | null,
  egress: Port,
): Omit<LossWhy, "title" | "remedy"> {
  const sent = sender === null ? "" : `; ${sender.name}, which sends them, has ${sender.mtu}`;
  return {
    ...{ kind: "loss", cause: "mtu", basis: "observed", alternatives: [] },
    evidence: [
      `the longest has ${longest - HEADER} bytes after its Ethernet header; ${egress.name} has an MTU of ${egress.mtu}${egress.peer === null ? "" : `, its other end ${egress.peer.mtu}`}${sent}`,
      `${state.name} itself has ${state.mtu}: that is for what the host sends; a bridge neither cuts what it forwards nor tells the sender (${where})`,
    ],
  };
}

function sentWith(sender: Device | null): string {
  return sender === null
    ? ""
    : `, and ${sender.name} of ${sender.place.label} sends with ${sender.mtu}`;
}

/** The device that a flow's source address is on. */
function senderOf(state: BridgeState, { port, source }: Loss): Device | null {
  if (port === state.ifindex) return state;
  const peer = state.ports.find(({ ifindex }) => ifindex === port)?.peer;
  if (peer == null) return null;
  const found = [peer, ...peer.uppers].find(({ address }) => address === source);
  return found === undefined ? null : { ...found, place: found.namespace };
}

function shorter(sender: Device | null, bytes: number): Proposed {
  if (sender === null || sender.mtu <= bytes) {
    return { none: "what sends these frames, and has to send shorter ones, is not seen here" };
  }
  if (bytes < LEAST_MTU) {
    return { none: `IPv6 needs an MTU of ${LEAST_MTU}, which is more than ${bytes}` };
  }
  return {
    change: { set: "mtu", device: sender, bytes },
    effect: `${sender.name} sends no frames of more than ${bytes} bytes`,
    risk: `all that ${sender.name} sends is cut to that, to whomever; a macvlan or VLAN on it keeps the smaller MTU when this is taken back`,
  };
}
