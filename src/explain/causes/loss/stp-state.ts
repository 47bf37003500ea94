/** Frames that a port drops, or does not get, since it does not forward: br_handle_frame(), br_handle_frame_finish(), should_deliver(). */

import type { BridgeState, Port } from "../../../bridge/state.ts";
import { isWaiting } from "../link-settings.ts";
import type { Proposed } from "../remedy.ts";
import { isOpen, openPorts, portPhrase } from "../whereabouts.ts";
import type { Loss, LossCause, LossContext, LossWhy } from "./cause.ts";
import { heldBack, isAtIngress, isUnspecified, usesMst } from "./egress.ts";
import { isForwardedGroup } from "./link-local.ts";

/** Since Linux 6.14. */
const REASON = "BRIDGE_INGRESS_STP_STATE";
/** br_set_forward_delay() takes no less while the spanning tree is on. */
const LEAST_DELAY_S = 2;

export const stpState: LossCause = (loss, context) => {
  if (!context.state.up) return null;
  if (isDroppedAtIngress(loss)) return atIngress(loss, context);
  const held = heldBack(loss, context);
  if (held === null || held.hold !== "stp-state") return null;
  const { port, state, alone } = held;
  const which = alone
    ? `${loss.destination} is behind ${portPhrase(port)}, which`
    : `${portPhrase(port)} is to get them, and no other port forwards: it`;
  return whyOf(context, state, port, `${which} is ${port.state} and gets no frames`);
};

function isDroppedAtIngress(loss: Loss): boolean {
  if (loss.reason === REASON) return true;
  const place = loss.where === null || /^br_handle_frame(?:_finish)?\b/.test(loss.where);
  return isAtIngress(loss) && place && isUnspecified(loss);
}

function atIngress(loss: Loss, context: LossContext): LossWhy | "right" | null {
  const { before, state } = context;
  const told = loss.reason === REASON;
  const at = (one: BridgeState) => one.ports.find(({ ifindex }) => ifindex === loss.port);
  const closed = [state, before].find((one) => {
    const port = at(one);
    return port !== undefined && port.state !== "forwarding";
  });
  const port = closed === undefined ? (at(state) ?? at(before)) : at(closed);
  if (port === undefined) return told ? "right" : null;
  if (closed === undefined) {
    if (!told) return null;
    // It was down, or came up: of such moments nobody reads the state.
    return state.stp ? whyOf(context, state, port, waited(port)) : "right";
  }
  if (!told && (usesMst(closed) || !isForwardedGroup(closed, port, loss.destination))) return null;
  return whyOf(
    context,
    closed,
    port,
    `${portPhrase(port)} is ${port.state}: what comes in by it is dropped`,
  );
}

function waited(port: Port): string {
  return `${portPhrase(port)} did not forward for a while: what came in by it was dropped`;
}

function whyOf(
  { state: now }: LossContext,
  state: BridgeState,
  port: Port,
  title: string,
): LossWhy | "right" {
  // It is not there for anybody then, whatever its state.
  if (!port.up || !port.carrier) return "right";
  const shown = `bridge link show dev ${port.name}: state ${port.state}`;
  if (!isWaiting(port.state) && port.state !== "forwarding") {
    if (state.stp) return "right";
    return {
      ...{ kind: "policy", cause: "stp-state", basis: "observed", alternatives: [] },
      title: `${title}; the spanning tree is off, so somebody has set that`,
      evidence: [`${shown}; stp_state 0`],
      remedy: {
        change: { set: "forwarding", port },
        effect: `${port.name} forwards`,
        risk: "whoever set that state meant to keep frames from passing: where the port closes a loop, they go round",
      },
    };
  }
  if (mayCloseLoop(state, port)) return "right";
  const delay = state.forwardDelayS;
  const waits = `until ${2 * delay} s after it came up (forward_delay ${delay} s, for listening and once more for learning)`;
  return {
    ...{ kind: "loss", cause: "stp-state", basis: "observed", alternatives: [] },
    title: port.state === "forwarding" ? title : `${title} ${waits}`,
    evidence: [
      `${shown}; stp_state ${state.stp ? 1 : 0}, forward_delay ${delay} s`,
      ...(now.ports.some((one) => one.ifindex === port.ifindex && one.state === "forwarding")
        ? [`${port.name} forwards by now`]
        : []),
    ],
    remedy: remedyFor(now, port),
  };
}

/** The spanning tree at its work: another bridge is seen behind the port, and may be reached by a second one. */
function mayCloseLoop(state: BridgeState, port: Port): boolean {
  return state.stp && port.peer !== null && isOpen(state, port) && openPorts(state).length > 1;
}

/**
 * Without the spanning tree where no loop can be: through a single port that others than hosts may be behind, nothing
 * comes back by another.
 */
function remedyFor(state: BridgeState, port: Port): Proposed {
  const open = openPorts(state).filter(({ up }) => up);
  if (open.length <= 1) {
    const only = open[0] === undefined ? "" : `, and ${open[0].name} is the only one that is none`;
    return {
      change: { set: "no-stp", waiting: [port] },
      effect: `every port of ${state.name} forwards as soon as it is up`,
      risk: `hosts are seen behind its ports${only}: there is no loop to guard against now, and once somebody connects a second way to another bridge, frames go round in it`,
    };
  }
  if (state.forwardDelayS <= LEAST_DELAY_S) {
    return { none: `${LEAST_DELAY_S} s is the least forward_delay with a spanning tree` };
  }
  return {
    change: { set: "forward-delay", seconds: LEAST_DELAY_S, waiting: [port] },
    effect: `a port forwards ${2 * LEAST_DELAY_S} s after it came up`,
    risk: `in a network of many bridges the spanning tree may need longer to agree, and frames go round until it has; whoever is behind ${port.name} sees its link go down and up`,
  };
}
