/** A port that is down gets nothing: should_deliver() finds it disabled, or the other end of its cable does not take frames. */

import type { BridgeState, Port } from "../../../bridge/state.ts";
import { downPhrase, isDown, raising } from "../reach.ts";
import { homesOf, isOpen, portPhrase } from "../whereabouts.ts";
import type { Loss, LossCause, LossContext, LossWhy } from "./cause.ts";
import { heldBack, isAtOtherEnd } from "./egress.ts";

export const portDown: LossCause = (loss, context) => {
  const { state } = context;
  if (loss.at !== loss.port || loss.behind) return behindIt(loss, context);
  if (!state.up) return bridgeDown(state);
  const held = heldBack(loss, context);
  if (held?.hold !== "down") return null;
  const { port, alone, known } = held;
  if (alone) {
    // An entry that is left from where it was before.
    const homes = homesOf(held.state, loss.destination);
    if (known && homes.length > 0 && homes.every((home) => home.port !== port)) return null;
    const whose = known
      ? `the entry of ${loss.destination} points to`
      : `${loss.destination} is behind`;
    return whyOf(context, port, `${whose} ${portPhrase(port)}, which ${downPhrase(port)}`);
  }
  // Nobody is there to miss it; who is asked for by broadcast may be the host itself.
  if (loss.class !== "unicast" || !isOpen(held.state, port)) return "right";
  const rest = `${loss.destination} has no entry, and no other port is up; it may be behind`;
  return whyOf(context, port, `${rest} ${portPhrase(port)}, which ${downPhrase(port)}`);
};

/** Frames that were on their way while the other end went down. */
function behindIt(loss: Loss, context: LossContext): LossWhy | null {
  const { state, before } = context;
  const at = (one: BridgeState) => one.ports.find(({ ifindex }) => ifindex === loss.at);
  const port = [at(state), at(before)].find((one) => one !== undefined && isDown(one));
  if (port === undefined || loss.where === null || !isAtOtherEnd(loss.where)) return null;
  return whyOf(context, port, `frames left by ${portPhrase(port)}, which ${downPhrase(port)}`);
}

function bridgeDown(state: BridgeState): LossWhy {
  return {
    ...{ kind: "loss", cause: "port-down", basis: "observed", alternatives: [] },
    title: `${state.name} itself is down: none of its ports forwards`,
    evidence: [`ip link show dev ${state.name}: no UP`],
    remedy: {
      change: { set: "up", device: state },
      effect: "its ports forward",
      risk: `the host takes part in the network of ${state.name} with the addresses that it has there`,
    },
  };
}

function whyOf({ state }: LossContext, port: Port, title: string): LossWhy {
  const now = state.ports.find(({ ifindex }) => ifindex === port.ifindex);
  const over = now === undefined || !isDown(now);
  const flags = [port.up ? "UP" : "not UP", port.carrier ? "a carrier" : "no carrier"];
  const peer =
    port.peer?.up === false
      ? `; its other end, ${port.peer.name} of ${port.peer.namespace.label}, is down`
      : "";
  return {
    ...{ kind: "loss", cause: "port-down", basis: "observed", alternatives: [] },
    title,
    evidence: [
      `ip link show dev ${port.name}: ${flags.join(", ")}${peer}`,
      ...(over ? [`${port.name} ${now === undefined ? "is gone" : "is up"} by now`] : []),
    ],
    remedy: over ? null : raising(state, port),
  };
}
