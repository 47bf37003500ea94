import type { BridgeState } from "../../../bridge/state.ts";
import type { Rule } from "./rule.ts";

/** What most kernels have (net/core/hotdata.c): fewer ports are never too many. */
const USUAL = 1000;

/**
 * br_flood() queues all copies of one frame before the CPU that they are for takes the first: enqueue_to_backlog() drops those
 * that find netdev_max_backlog frames waiting, which are the copies for the oldest ports.
 */
export const backlog: Rule = {
  name: "backlog",
  judge: (state) => {
    const { name, maxBacklog } = state;
    const copies = copiesOf(state);
    // As many may wait, and one more.
    if (maxBacklog === null || copies <= maxBacklog + 1) return [];
    return [
      {
        severity: "high",
        text: `a broadcast on ${name} becomes ${copies} copies, and a CPU's queue holds ${maxBacklog}: the oldest ports lose theirs, ARP with them, and whoever is there is not found`,
        evidence: [
          `${copies + 1} veth ports that forward`,
          `net.core.netdev_max_backlog ${maxBacklog}`,
        ],
        remedy: {
          change: { set: "backlog", frames: Math.ceil((2 * copies) / 1000) * 1000 },
          effect: "a CPU's queue holds all copies of two broadcasts at once",
          risk: "it is the limit of every CPU and of all that the host receives: under a load that a CPU cannot keep up with frames wait longer before they are dropped; it is gone at the next boot unless it stands in /etc/sysctl.d",
        },
      },
    ];
  },
  unjudged: (state) =>
    state.maxBacklog === null && copiesOf(state) > USUAL
      ? "net.core.netdev_max_backlog is told in the host's first namespace alone"
      : null,
};

/** Of one broadcast: a veth's copies wait for a CPU (netif_rx()), those of taps and of cards elsewhere. */
function copiesOf({ ports }: BridgeState): number {
  const open = ports.filter(
    ({ kind, up, state, flags }) =>
      kind === "veth" && up && state === "forwarding" && flags.bcastFlood,
  );
  return Math.max(0, open.length - 1);
}
