/** What a bridge did, as far as two readings of its interface counters tell: the answer where no frame can be looked at. */

import { setTimeout } from "node:timers/promises";
import { BridgeGoneError, bridgeGone, readBridge } from "../bridge/read-bridge.ts";
import type { BridgeState, Port } from "../bridge/state.ts";
import type { Note, Thresholds } from "../document/explain.ts";
import { BridgescopeError } from "../system/errors.ts";
import { count, plural, quantity } from "../text/units.ts";
import { portPhrase } from "./causes/whereabouts.ts";

/** Ports that are named. */
const NAMED = 4;
/** Of what came in by one port, the least share that left by each other one where it was flooded: the rest may have been for one. */
const FLOODED = 0.5;
/** Less of what came in than this may be frames for the bridge itself. */
const NOWHERE = 0.1;

/** Reads the counters again after so many seconds, or when `signal` is aborted. Rejected where the bridge goes meanwhile. */
export async function watchCounters(
  before: BridgeState,
  seconds: number,
  thresholds: Thresholds,
  signal?: AbortSignal,
): Promise<Note[]> {
  const began = performance.now();
  await setTimeout(seconds * 1000, undefined, { signal }).catch((error: unknown) => {
    if (signal?.aborted !== true) throw error;
  });
  const passed = (performance.now() - began) / 1000;
  try {
    const after = await readBridge(before.place, before.ifindex);
    return counterNotes(before, after, passed, thresholds);
  } catch (error) {
    if (!(error instanceof BridgeGoneError)) throw error;
    throw new BridgescopeError(`${bridgeGone(before.name)} while its counters were read`);
  }
}

/** All of it is inferred: a counter says how many frames there were, and not which. */
export function counterNotes(
  before: BridgeState,
  after: BridgeState,
  seconds: number,
  thresholds: Pick<Thresholds, "unknownUnicast" | "frames">,
): Note[] {
  const moved = deltasOf(before, after);
  const texts = [
    traffic(moved, seconds),
    ...flooded(moved, seconds, thresholds),
    ...dropped(moved),
    ...nowhere(before, after, moved, thresholds),
  ];
  const by = `by interface counters over ${seconds.toFixed(1)} s`;
  return texts.map((text) => ({
    ...{ about: "counters" as const, cause: null, remedy: null },
    text: `${text} (inferred ${by})`,
  }));
}

interface Moved {
  port: Port;
  rx: number;
  tx: number;
  txDropped: number;
}

/** Of ports that were there at both readings. */
function deltasOf(before: BridgeState, after: BridgeState): Moved[] {
  const earlier = new Map(before.ports.map((port) => [port.ifindex, port.counters]));
  return after.ports.flatMap((port): Moved[] => {
    const was = earlier.get(port.ifindex);
    const now = port.counters;
    if (was === undefined || now.rx < was.rx || now.tx < was.tx) return [];
    const [rx, tx, txDropped] = [now.rx - was.rx, now.tx - was.tx, now.txDropped - was.txDropped];
    return [{ port, rx, tx, txDropped }];
  });
}

function traffic(moved: readonly Moved[], seconds: number): string {
  const list = (of: "rx" | "tx") => {
    const some = moved.filter((one) => one[of] > 0).sort((a, b) => b[of] - a[of]);
    const named = some
      .slice(0, NAMED)
      .map(
        (one) => `${one.port.name}: ${count(one[of])} (${quantity(one[of] / seconds, "frames/s")})`,
      );
    const more = some.length - named.length;
    return named.length === 0
      ? "none"
      : `${named.join(", ")}${more > 0 ? ` and ${plural(more, "more port")}` : ""}`;
  };
  const total = moved.reduce((sum, { rx, tx }) => sum + rx + tx, 0);
  if (total === 0) return "no frame came in or left by any port";
  return `frames came in by ${list("rx")}; frames left by ${list("tx")}`;
}

/** What left by every port but one was for all of them: broadcast, a group, or an address that the bridge does not know. */
function flooded(
  moved: readonly Moved[],
  seconds: number,
  { unknownUnicast, frames }: Pick<Thresholds, "unknownUnicast" | "frames">,
): string[] {
  const open = moved.filter(({ port }) => port.up && port.carrier && port.state === "forwarding");
  const [source] = [...open].sort((a, b) => b.rx - a.rx);
  const others = open.filter((one) => one !== source);
  // To the other one of two ports every frame goes.
  if (source === undefined || others.length < 2) return [];
  const all = Math.min(...others.map(({ tx }) => tx));
  if (all < frames || all / seconds < unknownUnicast || all < FLOODED * source.rx) return [];
  return [
    `at least ${plural(all, "frame")} (${quantity(all / seconds, "frames/s")}) left by each of the ${others.length} other ports while ${count(source.rx)} came in by ${portPhrase(source.port)}: floods of broadcast, groups or addresses that the bridge does not know`,
  ];
}

function dropped(moved: readonly Moved[]): string[] {
  const lost = moved.filter(({ txDropped }) => txDropped > 0);
  if (lost.length === 0) return [];
  const named = [...lost]
    .sort((a, b) => b.txDropped - a.txDropped)
    .slice(0, NAMED)
    .map(({ port, txDropped }) => `${portPhrase(port)}: ${count(txDropped)}`);
  const more = lost.length - named.length;
  return [
    `tx_dropped has risen: ${named.join(", ")}${more > 0 ? ` and ${plural(more, "more port")}` : ""}; such frames left the bridge and got no further than that device`,
  ];
}

/**
 * Each frame that goes anywhere is counted at least once more, at a port or by the bridge itself. Told of veths alone: a card
 * counts what came by the wire, and what it hands on may be several of these in one.
 */
function nowhere(
  before: BridgeState,
  after: BridgeState,
  moved: readonly Moved[],
  { frames }: Pick<Thresholds, "frames">,
): string[] {
  if (after.ports.some(({ kind }) => kind !== "veth") || moved.length < after.ports.length)
    return [];
  const came = moved.reduce((sum, { rx }) => sum + rx, 0);
  const left = moved.reduce((sum, { tx, txDropped }) => sum + tx + txDropped, 0);
  const host = after.counters.rx - before.counters.rx;
  const lost = came - left - host;
  if (lost < frames || lost < NOWHERE * came) return [];
  return [
    `of ${plural(came, "frame")} that came in at least ${count(lost)} left by no port and did not reach the host either`,
  ];
}
