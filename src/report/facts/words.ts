/** The words all formats share: what a stage and a decision are called, and how numbers are made. */
import type { Decision, Stage } from "../../document/run.ts";

export const STAGE_WORDS: Record<Stage, string> = {
  veth: "from veth_xmit to the peer's receive",
  "bridge.forward": "from bridge ingress to the egress port's queue",
  "bridge.flood": "from bridge ingress to the last copy",
  "bridge.learn": "from bridge ingress of an unknown source to its FDB entry",
  path: "from transmit in the source namespace to receive in the destination namespace",
};

export const DECISION_WORDS: Record<Decision, { title: string; short: string; means: string }> = {
  knownUnicast: {
    title: "known unicast",
    short: "known",
    means: "the FDB knew the port: one copy",
  },
  unknownUnicast: {
    title: "unknown unicast",
    short: "unknown",
    means: "the FDB did not know the address: flooded",
  },
  broadcast: { title: "broadcast", short: "bcast", means: "to every port that floods broadcast" },
  multicast: { title: "multicast", short: "mcast", means: "to group members, or flooded" },
  local: { title: "local", short: "local", means: "unicast for an address of the bridge's own" },
  filtered: { title: "filtered", short: "filtered", means: "left by no port, the host included" },
};

/** What the spread beside a median is, said wherever one is shown. */
export const SPREAD_WORDS = "median over the rounds that count, with quartiles (25 % .. 75 %)";

export interface Method {
  readonly term: string;
  readonly text: string;
}

export const METHODS: readonly Method[] = [
  {
    term: "Rounds and spread",
    text: "A metric is one number a round. The headline is the median over the rounds that were not discarded; beside it stand the quartiles (linear between neighbours). Means are not used: on shared machines a few slow rounds decide them. Where rounds with probes on and off were interleaved, the headline is of the rounds with probes off.",
  },
  {
    term: "Comparing",
    text: "A run describes; it does not judge. Two medians side by side are not a verdict: `bridgescope compare` and `bench --vs` test paired, interleaved rounds and say regression, improvement, unchanged or inconclusive.",
  },
  {
    term: "Stage latency",
    text: "The kernel stamps a frame at two of its own events and adds the difference to a log-linear histogram in the kernel. Percentiles are read from the buckets, fine enough to be within 5 % of the true value; the maximum is the upper edge of the highest bucket in use. Every passage of the window is counted, warm-up included; the timed ones are all of measured rounds, and how many they are is said beside each stage.",
  },
  {
    term: "Decisions",
    text: "Each frame that enters the bridge by a port, or by the host's own device, has exactly one decision. Decisions therefore add up to the ingress.",
  },
  {
    term: "Copies and amplification",
    text: "A copy is one frame leaving one port. Egress is copies plus what the bridge originates itself (STP, IGMP and MLD queries). Amplification is copies over ingress frames; what the bridge originates is not part of it.",
  },
  {
    term: "Learned, moved, aged",
    text: "FDB entries that were made for a new source, that changed their port, and that ageing removed, over the same window as the counts.",
  },
  {
    term: "Closure",
    text: "For each port over one quiet-to-quiet window: ingress = rx, and copies + originated = tx + txDropped, in frames, or in segments where GRO is on. What remains is the residue (probes minus counters), and the sum of the residues is `unaccounted`. A port whose counters mean something else is named not comparable, with the reason.",
  },
  {
    term: "Drops",
    text: "The kernel's own skb drop reasons by name, with the function that freed the frame.",
  },
  {
    term: "What observing costs",
    text: "Nanoseconds per event come from the kernel's BPF statistics, in rounds of their own, net of an empty program measured on the same host; under 1,000 events no figure is given. The overhead is the workload's own number with probes on against off, in interleaved rounds.",
  },
];
