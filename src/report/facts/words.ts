/** The words all formats share: what a stage and a decision are called, and how numbers are made. */
import type { Decision, Latency, Run, Stage } from "../../document/run.ts";

export const STAGE_WORDS: Record<Stage, string> = {
  "veth.in": "from the sender to the bridge port's receive",
  "bridge.forward": "from bridge ingress to the egress port's queue",
  "bridge.flood": "from bridge ingress to the last copy",
  "bridge.learn": "from bridge ingress of an unknown source to its FDB entry",
  "bridge.lookup": "one look-up of the destination in the FDB",
  "veth.out": "from the egress port's queue to the destination's receive",
  path: "from transmit in the source namespace to receive in the destination namespace",
};

/** What stands over stage latencies, wherever they are shown. */
export const NET_WORDS = "net of the probes";

/** What raw numbers are, wherever they are shown. */
export const RAW_WORDS = "as measured, with the probes in it";

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

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

/** What counted time is; every table and axis that shows it says so. */
export const COUNTED_WORDS = "one CPU, no caches, no locks contended: instructions, not time";

export const CLOCK_WORDS: Record<Run["environment"]["clock"], string> = {
  wall: "wall clock",
  icount: `instruction-counted time (${COUNTED_WORDS})`,
};

/** The same as a sentence of its own. */
export const COUNTED_SENTENCE = "One CPU, no caches, no locks contended: instructions, not time.";

/** What the axis of a unit is called. */
export const AXIS_WORDS: Record<Latency["unit"], string> = {
  ns: "time (logarithmic)",
  instructions: `instructions (logarithmic); ${COUNTED_WORDS}`,
};

/** What the spread beside a median is, said wherever one is shown. */
export const SPREAD_WORDS = "median over the rounds that count, with quartiles (25 % .. 75 %)";

export interface Method {
  readonly term: string;
  readonly text: string;
}

/** For documents in counted time. */
export const COUNTED_METHODS: readonly Method[] = [
  {
    term: "Counted time",
    text: `The guest's clock moves by one nanosecond with each instruction (qemu's -icount shift=0), so a difference of two readings is a number of instructions: ${COUNTED_WORDS}. It says how much the kernel has to do, not how long that takes.`,
  },
  {
    term: "Mode and interval",
    text: "Within a boot nearly all passages of a stage take the same number of instructions; the rest met a timer tick. A round is a bridge built anew, and its value is the mode of its passages. The headline is the mode over all rounds, of equally frequent values the least. The interval is what boots with other seeds and another layout disagree on: the span of each boot's own mode. One boot cannot carry an interval.",
  },
  {
    term: "Net of the probes",
    text: "The instructions between the two clock readings of a probe pair on an empty path are measured in the same guest, by the same rule, and are taken out of every stage of that pair. Raw values have them in them.",
  },
];

export const METHODS: readonly Method[] = [
  {
    term: "Rounds and spread",
    text: "A metric is one number a round. The headline is the median over the rounds that were not discarded; beside it stand the quartiles (linear between neighbours). Means are not used: on shared machines a few slow rounds decide them. Metrics are of rounds in which none of our probes was attached; counts and stage times are of rounds of their own.",
  },
  {
    term: "Comparing",
    text: "A run describes; it does not judge. Two medians side by side are not a verdict: `bridgescope compare` and `bench --vs` test paired, interleaved rounds and say regression, improvement, unchanged or inconclusive.",
  },
  {
    term: "Stage latency",
    text: "The kernel reads its clock at two of its own events, and the differences of a sample of the frames are added up in a histogram in the kernel, in rounds of their own: nothing else of ours is attached then. What lies between the two clocks is raw: the stage, and the probes' own share. That share is measured in the same lab at the same rate, on events with nothing between them, and is taken out: p10, p50, p90 and the mean are net of it. The mean leaves out the lowest 2 % and the highest 5 % of the samples; its interval is over sessions, each of which attaches the probes anew. What lies beyond the 90th percentile is given raw only. Where the share is not known, varies too much, or is as large as what was measured, net numbers are withheld and the reason stands there.",
  },
  {
    term: "Time check",
    text: "The stages of a frame's way are parts of what the frame took when nobody watched, so together they cannot be more: their net means, added up, are held against the case's own number of rounds without probes (CPU time a frame, or the round trip, which has the path in it twice). It fails where the whole 95 % interval of the ratio is above 1, and then the stages of the case are withheld. What is missing to 1 is what no probe covers.",
  },
  {
    term: "Round trips",
    text: "From the sender's clock to the answer in its hands, over all measured rounds. Without a rate the clock starts when the request is sent. At a rate it starts when the request was due: a request that had to wait behind a slow one counts its wait, as it would for whoever asked. Percentiles are read from a histogram whose buckets are at most 1.6 % wide, or one digit of ping's output; the maximum is the upper edge of the highest bucket in use.",
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
    text: "Nanoseconds per event come from the kernel's BPF statistics, net of an empty program measured on the same host; under 1,000 events no figure is given. The slow-down is the workload's own number in rounds in which everything is counted against that of the rounds without probes before and after them; no other number of a report is of those rounds.",
  },
];
