/** Frames that should have left and left nowhere: which of them are told together, and which are above the thresholds. */

import type { Thresholds } from "../document/explain.ts";
import type { Loss, LossContext, LossWhy } from "./causes/loss/cause.ts";
import { whyLost } from "./causes/loss/index.ts";
import type { Draft } from "./moves.ts";
import { grouped, peakOf, sum } from "./peak.ts";
import type { KnownPorts } from "./ports.ts";

/** Of the flows of a loss, so many are named. */
const FLOWS = 3;

/** What has one cause, the same words for it and the same remedy is one finding. */
export function lossesOf(
  context: LossContext,
  ports: KnownPorts,
  thresholds: Thresholds,
): { above: Draft[] } {
  const { lost, seconds } = context.collected;
  const told = lost.flatMap((one) => {
    const loss: Loss = { ...one, came: cameOf(context, one) };
    const why = whyLost(loss, context);
    return why === null ? [] : [{ loss, why }];
  });
  const groups = grouped(told, ({ why }) => `${why.kind} ${why.cause} ${why.title}`);
  const isAbove = (same: typeof told) => {
    const frames = sum(same, ({ loss }) => loss.frames);
    const whole = same.some(({ loss }) => loss.came !== null && loss.frames >= loss.came);
    const rate = frames / Math.max(1, seconds);
    return whole || (frames >= thresholds.lost && rate >= thresholds.lostPerSecond);
  };
  return {
    above: groups.filter(isAbove).flatMap((same) => {
      const [first] = same;
      return first === undefined ? [] : [draftOf(context, ports, first.why, same.map(lossOf))];
    }),
  };
}

function lossOf({ loss }: { loss: Loss }): Loss {
  return loss;
}

/** Of known unicast and of floods alike; null where that flow was not counted, as by a drop before the bridge saw it. */
function cameOf(
  { collected }: LossContext,
  lost: Pick<Loss, "source" | "destination" | "vlan" | "port">,
): number | null {
  const same = [...collected.known, ...collected.flows].filter(
    (flow) =>
      flow.source === lost.source &&
      flow.destination === lost.destination &&
      flow.vlan === lost.vlan &&
      flow.port === lost.port,
  );
  return same.length === 0 ? null : sum(same, ({ frames }) => frames);
}

function draftOf(
  { collected }: LossContext,
  ports: KnownPorts,
  why: LossWhy,
  losses: readonly Loss[],
): Draft {
  const most = losses.reduce((a, b) => (b.frames > a.frames ? b : a));
  const { evidence, ...told } = why;
  const frames = sum(losses, (one) => one.frames);
  const peak = peakOf(
    losses.map((one) => ({ frames: one.frames, copies: 0, steps: one.steps })),
    collected,
  );
  const sources = new Set(losses.map(({ source }) => source));
  const destinations = new Set(losses.map(({ destination }) => destination));
  const came = most.came === null ? "" : ` of ${most.came}`;
  return {
    ...told,
    severity: most.came !== null && most.frames >= most.came ? "high" : "medium",
    source: sources.size === 1 ? most.source : null,
    destination: destinations.size === 1 ? most.destination : null,
    addresses: { source: most.addresses.source, destination: most.addresses.destination },
    protocol: most.addresses.protocol,
    sourcePort: most.sourcePort,
    destinationPort: most.destinationPort,
    vlan: most.vlan,
    ingressPort: ports.of(most.port),
    since: "before attach",
    frames: sum(losses, (one) => one.came ?? one.frames),
    copies: 0,
    lost: frames,
    bytes: 0,
    framesPerSecond: peak.framesPerSecond,
    copiesPerSecond: 0,
    where: most.where,
    reason: most.reason,
    victims: [],
    captures: [],
    evidence: [
      ...losses
        .slice(0, FLOWS)
        .map(
          (one) =>
            `${one.frames}${came} frames of ${one.source} for ${one.destination}, in by ${ports.of(one.port).name}, were dropped by ${one.where} (${one.reason}) at ${ports.of(one.at).name}`,
        ),
      ...evidence,
    ],
  };
}
