/** What every finding says of how its frames were counted, and since when there were any. */

import type { BridgeState } from "../../bridge/state.ts";
import { type Collected, type Flow, WHOLE } from "../../live/collect.ts";
import { sum } from "../causes/peak.ts";

export function howCounted({ backend, seconds, counted }: Collected): string {
  const places =
    backend === "tracepoint"
      ? "counted by the tracepoints net:netif_receive_skb and net:net_dev_queue"
      : `counted by ${backend} of br_handle_frame_finish and br_dev_queue_push_xmit`;
  const part = counted / Math.max(seconds, 1e-3);
  return part < WHOLE
    ? `estimated of ${(part * 100).toFixed(part < 0.1 ? 1 : 0)} % of the time: ${places}`
    : places;
}

/** Pauses between its frames after which a flow would have been seen if it had been there. */
const PAUSES = 10;

/**
 * What is there as soon as it could be seen may be as old as the bridge: within a second, or, where no frame can have been
 * missed, within some of its pauses. By a port that joined meanwhile it is not. Where no first frame was timed, nobody knows.
 */
export function since(
  before: BridgeState,
  { beganNs, beganAt, seconds: all, counted }: Collected,
  flows: readonly Pick<Flow, "firstNs" | "frames" | "port">[],
): string {
  const first = Math.min(...flows.map(({ firstNs }) => firstNs));
  const seconds = (first - beganNs) / 1e9;
  const pause =
    (all - seconds) /
    Math.max(
      1,
      sum(flows, ({ frames }) => frames),
    );
  const missed = counted < WHOLE * all;
  const there = [before, ...before.ports].map(({ ifindex }) => ifindex);
  const old = flows.some(({ port }) => there.includes(port));
  if (old && seconds < (missed ? 1 : Math.min(1, PAUSES * pause))) return "before attach";
  return new Date(beganAt + seconds * 1000).toISOString();
}
