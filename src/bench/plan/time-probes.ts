import type { TimeProbe } from "../../document/event.ts";
import type { Topology } from "../../setup/spec.ts";
import type { Workload } from "../workloads/workload.ts";

/** What of a case decides which programs time it, and how many of their events a frame passes. */
export interface Traffic {
  topology: Topology;
  workload: Workload;
}

export function isFlooded({ workload }: Traffic): boolean {
  return workload.stages.includes("bridge.flood");
}

/** The programs whose sessions time a case's stages, with the empty path that is taken out of them. */
export function timeProbes({ topology, workload }: Traffic): TimeProbe[] {
  if (topology.kind !== "bridge") return ["sender", "empty"];
  return [
    "bridge",
    // Senders that skip the queueing discipline are first seen by netif_rx.
    ...(workload.bypassesQdisc ? ["sender" as const] : []),
    ...(workload.stages.includes("bridge.learn") ? ["learn" as const] : []),
    "empty",
  ];
}

/** What a round under that program is called by: its stage, or the middle one of several. */
export function timedStage(probe: TimeProbe, traffic: Traffic): string {
  switch (probe) {
    case "bridge":
      return isFlooded(traffic) ? "bridge.flood" : "bridge.forward";
    case "sender":
      return traffic.topology.kind === "bridge" ? "veth.in" : "path";
    case "learn":
      return "bridge.learn";
    case "empty":
      return "observer";
  }
}

/** Copies that leave the bridge of one frame, the host's not counted. */
function copiesOf(traffic: Traffic): number {
  return isFlooded(traffic) ? traffic.topology.hosts.length - 1 : 1;
}

/** What a frame that the bridge's own device hears passes besides: its receive. */
function heard({ workload }: Traffic): number {
  return workload.heardByHost === true ? 1 : 0;
}

/** Events of ours that one frame passes on its way while that program is attached. */
export function eventsPerFrame(traffic: Traffic, probe: TimeProbe): number {
  if (traffic.topology.kind !== "bridge") return 2;
  const copies = copiesOf(traffic);
  const receives = 1 + copies + heard(traffic);
  switch (probe) {
    case "bridge":
      return receives + copies + (traffic.workload.bypassesQdisc ? 0 : 1);
    case "learn":
      return receives + 1;
    case "sender":
      return 1 + copies + receives;
    case "empty":
      return 2 * (1 + copies);
  }
}

/**
 * Whole events of ours between the two ends of a stage. A copy of a flood that is queued first waits for the queueing
 * of all others, the last one for the receiving of all others: `veth.out` has as many of the one as of the other, and
 * after all of them the host's.
 */
export function eventsInside(traffic: Traffic, stage: string): number {
  const others = copiesOf(traffic) - 1;
  if (stage === "bridge.flood") return others + heard(traffic);
  if (stage === "veth.out") return others + heard(traffic);
  // The bridge port's receive, and the second of the two events that begin a leg.
  if (stage === "path" && traffic.topology.kind === "bridge") return 2;
  return 0;
}
