/** Copies that left and found the queue of a CPU full (enqueue_to_backlog()): ports times burst against netdev_max_backlog. */

import type { BridgeState } from "../../../bridge/state.ts";
import type { Collected, Flow, Lost } from "../../../live/collect.ts";
import { groupBy } from "../../../text/group-by.ts";
import { count, plural } from "../../../text/units.ts";
import { peakOf, sum } from "../peak.ts";
import type { Proposed } from "../remedy.ts";
import { portPhrase } from "../whereabouts.ts";
import type { LossCause, LossWhy } from "./cause.ts";

/** Of the ports that lost most, so many are named. */
const NAMED = 5;
/** Frames that process_backlog() takes at a time (net.core.dev_weight): of each flooded one a copy a port waits then. */
const WEIGHT = 64;
/** Copies/s of which a CPU hardly keeps up with more, at 3 to 5 µs from the sender to the end of each: a longer queue holds them longer. */
const TOO_MANY = 200_000;
/** Ports that lost are the oldest where this share of the others was made later. */
const OLDEST = 0.9;

export const backlog: LossCause = (loss, { state, collected }) => {
  if (!isBacklog(loss)) return null;
  const why = known.get(collected) ?? whyFull(state, collected);
  known.set(collected, why);
  return loss.behind ? why.copies : why.frames;
};

/** It is one thing however many flows and ports it hit, and is thought of once. */
const known = new WeakMap<Collected, ReturnType<typeof whyFull>>();

/** Before Linux 5.17 the place alone tells. */
function isBacklog({ where, reason }: { where: string | null; reason: string | null }): boolean {
  if (reason !== null) return reason === "CPU_BACKLOG";
  return where !== null && /^(?:enqueue_to_backlog|netif_rx)/.test(where);
}

/** Of copies that had left, and of frames that did not get as far as the bridge. */
function whyFull(state: BridgeState, collected: Collected): { copies: LossWhy; frames: LossWhy } {
  const lost = collected.lost.filter(isBacklog);
  const { maxBacklog } = state;
  const losers = losersOf(lost.filter(({ behind }) => behind));
  const limit =
    maxBacklog === null
      ? ""
      : `, which holds ${count(maxBacklog)} frames (net.core.netdev_max_backlog)`;
  const dropped =
    collected.softnetDropped === 0
      ? []
      : [
          `${count(collected.softnetDropped)} frames found such a queue full meanwhile, whosever they were (/proc/net/softnet_stat)`,
        ];
  const why = (what: string, ...evidence: string[]): LossWhy => ({
    ...{ kind: "loss", cause: "backlog", basis: "observed", alternatives: [] },
    title: `${what} found the queue of a CPU full${limit}`,
    evidence: [...burst(state, collected), ...evidence, ...dropped],
    remedy: remedyFor(state, collected, lost),
  });
  return {
    copies: why(
      `copies for ${losers.length} of ${plural(state.ports.length, "port")}`,
      ...losersPhrase(state, losers),
    ),
    frames: why(`frames on their way to ${state.name}`),
  };
}

/** Copies by the port that they left by, most first. */
function losersOf(lost: readonly Lost[]): { ifindex: number; copies: number }[] {
  return [...groupBy(lost, ({ at }) => String(at))]
    .map(([at, same]) => ({ ifindex: Number(at), copies: sum(same, ({ frames }) => frames) }))
    .sort((a, b) => b.copies - a.copies || a.ifindex - b.ifindex);
}

function losersPhrase(state: BridgeState, losers: ReturnType<typeof losersOf>): string[] {
  const named = losers.slice(0, NAMED).map(({ ifindex, copies }) => {
    const port = state.ports.find((one) => one.ifindex === ifindex);
    return `${count(copies)} of ${port === undefined ? "a port that is gone" : portPhrase(port)}`;
  });
  const more = losers.length - named.length;
  const rest = more > 0 ? ` and some of ${plural(more, "more port")}` : "";
  const lost = new Set(losers.map(({ ifindex }) => ifindex));
  const others = state.ports.filter(({ ifindex }) => !lost.has(ifindex));
  const last = Math.max(...lost);
  const older = others.filter(({ ifindex }) => ifindex > last).length;
  const oldest =
    others.length > 0 && older >= OLDEST * others.length
      ? [
          "those that lost are the ports that were made first: a bridge floods its newest port first (br_add_if(), br_flood()), and the queue is full when the oldest have their turn",
        ]
      : [];
  return [`copies were lost: ${named.join(", ")}${rest}`, ...oldest];
}

/** Frames of which each became many copies, and their senders. */
function burst(state: BridgeState, collected: Collected): string[] {
  const flooded = floodedBy(collected);
  const most = [...groupBy(flooded, kindOf)]
    .map(([kind, flows]) => ({ kind, flows, copies: sum(flows, portCopies) }))
    .sort((a, b) => b.copies - a.copies)[0];
  if (most === undefined) return [];
  const frames = sum(most.flows, (flow) => flow.frames);
  const [first] = [...most.flows].sort((a, b) => b.copies - a.copies);
  const senders = new Set(most.flows.map(({ source }) => source)).size;
  const from = state.ports.find(({ ifindex }) => ifindex === first?.port);
  const at = from === undefined ? "" : ` behind ${portPhrase(from)}`;
  const who = `${first?.source}${at}`;
  const by = senders === 1 ? who : `${senders} senders, ${who} the busiest`;
  const each = Math.round(most.copies / Math.max(1, frames));
  return [
    `most of the burst is ${plural(frames, most.kind)} of ${by}, and each becomes ${plural(each, "copy", "copies")}${overrunPhrase(state, each)}`,
  ];
}

function overrunPhrase({ maxBacklog }: BridgeState, copies: number): string {
  if (maxBacklog === null) return "";
  if (copies > maxBacklog) return ": more than such a queue holds";
  return `: ${Math.floor(maxBacklog / copies) + 1} of them in a row are more than such a queue holds`;
}

function floodedBy({ flows }: Collected): Flow[] {
  return flows.filter((flow) => portCopies(flow) > flow.frames);
}

/** None of the host's own. */
function portCopies({ copies, hostCopies }: Flow): number {
  return copies - hostCopies;
}

function kindOf({ class: kind, addresses: { protocol } }: Flow): string {
  const sort = kind === "unknownUnicast" ? "unknown unicast" : kind;
  return `${protocol === null ? "" : `${protocol} `}${sort} frame`;
}

/**
 * As many as waited at most: all copies of the busiest step at once, or of what is taken from a queue at a time, and those
 * that were lost beyond the limit.
 */
function remedyFor(
  { maxBacklog }: BridgeState,
  collected: Collected,
  lost: readonly Lost[],
): Proposed {
  if (maxBacklog === null) return { none: "net.core.netdev_max_backlog cannot be read from here" };
  const flooded = floodedBy(collected);
  const { copiesPerSecond } = peakOf(flooded, collected);
  if (copiesPerSecond >= TOO_MANY) {
    return {
      none: `${count(Math.round(copiesPerSecond))} copies/s are more than a CPU keeps up with, however long its queue: whoever floods has to send less`,
    };
  }
  const each = Math.max(1, ...flooded.map((flow) => portCopies(flow) / Math.max(1, flow.frames)));
  const beyond = busiest(
    lost.flatMap(({ steps }) => steps.map((step) => [step.endMs, step.frames])),
  );
  const frames = Math.max(2 * maxBacklog, Math.min(maxBacklog + beyond, WEIGHT * each));
  return {
    change: { set: "backlog", frames: Math.ceil(frames / 1000) * 1000 },
    effect: "so many frames wait for a CPU before one is dropped",
    risk: "it is the limit of every CPU and of all that the host receives: under a load that a CPU cannot keep up with frames wait longer before they are dropped, and each holds some 2 kB; it is gone at the next boot unless it stands in /etc/sysctl.d",
  };
}

/** Frames of the step with most of them. */
function busiest(steps: readonly (readonly [number, number])[]): number {
  const all = new Map<number, number>();
  for (const [endMs, frames] of steps) all.set(endMs, (all.get(endMs) ?? 0) + frames);
  return Math.max(0, ...all.values());
}
