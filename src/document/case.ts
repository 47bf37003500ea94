/** One case of the run document: its lab, rounds, metrics, latency, and what the probes counted. */
import { z } from "zod";
import { foreignProbeSchema } from "./foreign.ts";
import { sessionSchema } from "./session.ts";

const count = z.int().nonnegative();
/** Integer nanoseconds. */
const nanoseconds = z.number().nonnegative();

export const DECISIONS = [
  "knownUnicast",
  "unknownUnicast",
  "broadcast",
  "multicast",
  "local",
  "filtered",
] as const;
export type Decision = (typeof DECISIONS)[number];

export const decisionsSchema = z.object({
  knownUnicast: count,
  unknownUnicast: count,
  broadcast: count,
  multicast: count,
  local: count.describe("Unicast for an address of the bridge's own"),
  filtered: count.describe("Left by no port, the host included"),
});

export const STAGES = [
  "veth.in",
  "bridge.forward",
  "bridge.flood",
  "bridge.learn",
  "bridge.lookup",
  "veth.out",
  "path",
] as const;
export type Stage = (typeof STAGES)[number];

const interval = z.tuple([z.number(), z.number()]);

export const latencySchema = z.object({
  unit: z.enum(["ns", "instructions"]),
  count: count.describe("Frames that passed the stage while it was timed or counted; 0 if unknown"),
  sampled: count.describe("Frames whose time was taken; the buckets hold this many"),
  p10: nanoseconds.nullable().describe("Net of the observer, like p50, p90 and the estimate"),
  p50: nanoseconds.nullable(),
  p90: nanoseconds.nullable(),
  estimate: z
    .object({ value: z.number(), ci: interval, method: z.string(), n: count })
    .nullable()
    .describe("The stage's headline, net, with its interval; null where too little carries one"),
  raw: z
    .object({
      p10: nanoseconds,
      p50: nanoseconds,
      p90: nanoseconds,
      p99: nanoseconds,
      p999: nanoseconds,
      max: nanoseconds.describe("Upper edge of the highest bucket that holds a sample"),
      buckets: z
        .array(z.tuple([nanoseconds, nanoseconds, count]))
        .describe("[lo, hi, count] with lo <= value < hi, ascending, only those that hold samples"),
    })
    .describe("As measured, the probes' own share in it"),
  observer: z
    .object({ value: nanoseconds, ci: interval, method: z.string() })
    .nullable()
    .describe("The probes' own share of one sample: net is raw less this; null where unknown"),
  withheld: z
    .string()
    .nullable()
    .describe("Why the stage has raw numbers but no net ones, or null"),
  perRound: z
    .array(z.object({ round: count, value: nanoseconds, n: count, of: count }))
    .optional()
    .describe(
      "Instruction counts only: the mode of each round (a bridge of its own), net of the probes; n of its samples had it",
    ),
  from: z.string().describe("The kernel event at which the clock starts"),
  to: z.string().describe("The kernel event at which it stops"),
});

/** The net stages of a case held against what the same frames took when nobody watched. */
export const timeCheckSchema = z.object({
  unobserved: z
    .object({ value: nanoseconds, ci: interval })
    .nullable()
    .describe("The case's own number from rounds `off`: ns_per_frame, or rtt_p50 for both ways"),
  stages: z
    .partialRecord(z.enum(STAGES), nanoseconds)
    .describe("Net, each as often as a frame passes it: `path` is there and back"),
  sum: nanoseconds.nullable(),
  ratio: nanoseconds.nullable().describe("`sum` over `unobserved`"),
  ci: interval.nullable().describe("Of the ratio, at 95 %"),
  passed: z.boolean().nullable().describe("False where the whole interval is above 1"),
  reason: z.string().nullable().describe("Why there is no verdict, or why it failed"),
});

/** Round trips as the sender saw them, over all measured rounds; percentiles as autocannon shows them. */
export const roundTripSchema = z.object({
  unit: z.literal("ns"),
  count,
  p2_5: nanoseconds,
  p50: nanoseconds,
  p97_5: nanoseconds,
  p99: nanoseconds,
  p999: nanoseconds,
  max: nanoseconds.describe("Upper edge of the highest bucket that holds a sample"),
  buckets: z
    .array(z.tuple([nanoseconds, nanoseconds, count]))
    .describe("[lo, hi, count] with lo <= value < hi, ascending, only those that hold samples"),
  from: z
    .enum(["request sent", "intended send time"])
    .describe("What starts the clock: at a fixed rate the moment at which the request was due"),
  missedSlots: count
    .nullable()
    .describe(
      "Slots of a fixed rate that were sent late by a whole slot or more, or not at all; null without a rate",
    ),
});

/** A stage that this backend, kernel or workload cannot show, and why. */
const notObservableSchema = z.object({ stage: z.enum(STAGES), reason: z.string() });

export const dropSchema = z.object({
  where: z.string().describe("Kernel function that freed the frame, and between which devices"),
  reason: z.string().describe("The kernel's drop reason by name"),
  count,
});

const portCountersSchema = z.object({
  rx: count,
  tx: count,
  rxDropped: count,
  txDropped: count,
});

export const portAccountSchema = z.object({
  name: z.string().describe("The port's interface name, or `host` for the bridge device itself"),
  ifindex: count,
  ingress: count.describe("Frames that entered the bridge by this port"),
  egress: count.describe("Frames that left the bridge by this port"),
  originated: count.describe("Of `egress`: sent by the bridge of itself (STP, IGMP, MLD)"),
  segments: z.object({ ingress: count, egress: count }),
  bytes: z
    .object({ ingress: count, egress: count })
    .describe("By the interface counters, over the same window as these"),
  decisions: decisionsSchema.describe("What became of the frames that entered here"),
  copies: count.describe("Copies made of the frames that entered here, over all egress ports"),
  counters: portCountersSchema.describe("Interface counters over the same window"),
  considered: count
    .optional()
    .describe("Floods that had this port as a target (maybe_deliver); function probes only"),
  skipped: count
    .optional()
    .describe("Of `considered`: no copy was made (ingress port, state, VLAN, isolation)"),
  latency: z
    .partialRecord(
      z.enum(STAGES),
      z.object({
        sampled: count,
        p50: nanoseconds.nullable().describe("Net, as in `.cases[].latency`"),
        p90: nanoseconds.nullable(),
        raw: z.object({ p50: nanoseconds, p90: nanoseconds, p99: nanoseconds }),
      }),
    )
    .describe("Stages that belong to this port alone; empty on labs with more than 64 ports"),
  closure: z.object({
    unit: z.enum(["frames", "segments", "notComparable"]),
    ingress: z.int().describe("probes minus counters; 0 when the books balance"),
    egress: z.int().describe("probes minus counters; 0 when the books balance"),
    reason: z.string().optional(),
  }),
});

export const bridgeAccountSchema = z.object({
  ingress: count,
  egress: count.describe("Copies plus originated frames"),
  originated: count,
  segments: z.object({ ingress: count, egress: count }),
  amplification: z.number().nonnegative().nullable().describe("Copies per ingress frame"),
  decisions: decisionsSchema,
  unattributed: count.describe("Copies whose ingress frame could not be told"),
  learned: count,
  moved: count,
  aged: count,
  counters: portCountersSchema.describe(
    "Entered (rx) and left (tx) by the interface counters, over all ports and the host",
  ),
  floods: z
    .object({ unicast: count, multicast: count, broadcast: count })
    .optional()
    .describe("Calls of br_flood by the packet type that the bridge gave; function probes only"),
  drops: z.array(dropSchema),
  unaccounted: count.describe("Sum of what the closure equations leave over"),
});

export const labSchema = z.object({
  topology: z.string().describe("As read back, in the words of the command line"),
  bridge: z
    .object({
      name: z.string(),
      ifindex: count,
      address: z.string(),
      options: z
        .record(z.string(), z.union([z.number(), z.string(), z.boolean()]))
        .describe(
          "Every IFLA_BR_* attribute as `ip -d -j link` names it; times as the kernel gives them",
        ),
      fill: z
        .record(z.string(), count)
        .optional()
        .describe("What the bridge was filled with (fdb_entries, nft_rules, vlans), as counted"),
      nfCall: z
        .object({ iptables: z.boolean(), ip6tables: z.boolean(), arptables: z.boolean() })
        .nullable()
        .describe("null where the kernel has no br_netfilter"),
      inSeries: count
        .optional()
        .describe("Bridges in series, of which this is the first; absent where there is one"),
    })
    .nullable(),
  ports: z.array(
    z.object({
      name: z.string(),
      ifindex: count,
      namespace: z.string(),
      bridge: z.string().optional().describe("The bridge that it belongs to; in a chain alone"),
      peer: z
        .object({ name: z.string(), ifindex: count, namespace: z.string(), address: z.string() })
        .nullable(),
      flags: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
      state: z.string(),
      mtu: count,
      qdisc: z.string(),
      offloads: z.record(z.string(), z.boolean()),
      xdp: z.boolean(),
      rps: z.string().describe("rps_cpus of the first receive queue"),
    }),
  ),
  placement: z
    .array(z.object({ thread: z.string(), cpus: z.array(count) }))
    .describe("Where each thread of the workload was allowed to run, read back from the kernel"),
});

export const METRICS = {
  ns_per_frame: { unit: "ns", better: "lower", title: "CPU time a frame" },
  throughput_rate: {
    unit: "frames/s",
    better: "higher",
    title: "throughput: highest rate without loss",
  },
  max_forwarding_rate: { unit: "frames/s", better: "higher", title: "maximum forwarding rate" },
  address_capacity: { unit: "addresses", better: "higher", title: "address caching capacity" },
  rtt_p50: { unit: "ns", better: "lower", title: "round trip, median" },
  rtt_p99: { unit: "ns", better: "lower", title: "round trip, 99th percentile" },
  throughput: { unit: "bit/s", better: "higher", title: "throughput" },
  frame_rate: { unit: "frames/s", better: "higher", title: "frames sent" },
  copy_rate: { unit: "frames/s", better: "higher", title: "frames delivered" },
  frame_loss: { unit: "ratio", better: "lower", title: "frame loss" },
  learning_rate: { unit: "addresses/s", better: "higher", title: "addresses learned" },
  setup_time: { unit: "ns", better: "lower", title: "time to build the lab" },
  instructions_per_frame: {
    unit: "instructions",
    better: "lower",
    title: "instructions a frame, sender included",
  },
} as const;
export type MetricName = keyof typeof METRICS;

export const metricSchema = z.object({
  unit: z.string(),
  better: z.enum(["lower", "higher"]),
  samples: z.array(z.number()).describe("One number a round `off`, in the order of the rounds"),
});

export const roundSchema = z.object({
  index: count,
  side: z
    .enum(["off", "count", "time"])
    .describe(
      "`off`: none of our probes, every metric is of these; `count`: complete counts; `time`: the ends of one stage",
    ),
  stage: z
    .string()
    .optional()
    .describe(
      "Of a round `time`: the stage that was timed, its neighbours beside it, or `observer`",
    ),
  startNs: nanoseconds.describe("CLOCK_MONOTONIC"),
  durationNs: nanoseconds,
  cpu: z
    .object({ userNs: nanoseconds, systemNs: nanoseconds })
    .nullable()
    .describe("CPU time of the sending thread or process"),
  steal: z
    .number()
    .nonnegative()
    .nullable()
    .describe("Share of the host's CPU time stolen meanwhile; null when not readable"),
  discarded: z.string().nullable().describe("Why the round does not count, or null"),
  measurement: count
    .optional()
    .describe("Of `bench --vs`: 1, or 2 where a flagged case was measured again"),
  block: count
    .optional()
    .describe(
      "Of `bench --vs`: which pair of labs; those of a block differ from all others' in their luck",
    ),
  boot: count
    .optional()
    .describe("Index into .guest.boots, where a guest was booted several times"),
  rttNs: z
    .array(nanoseconds)
    .optional()
    .describe("Every round-trip time, where the workload keeps each"),
});

export const probeSchema = z.object({
  backend: z.enum(["tracepoint", "fentry", "kprobe"]),
  reason: z.string().describe("Why this backend was taken"),
  events: count.describe("Probe firings in the rounds that measured the cost"),
  lost: count.describe("Records that the kernel or bpftrace dropped"),
  missed: count.describe("Firings that recursion kept from running"),
  degraded: z
    .array(z.string())
    .describe("Why the account of this case may not be complete; empty when it is"),
  emptyNs: nanoseconds
    .nullable()
    .describe("What the statistics show for an empty program on this host"),
  programs: z.array(
    z.object({
      name: z.string(),
      events: count,
      nsPerEvent: z
        .number()
        .nullable()
        .describe("Net of an empty program on the same host; null under 1,000 events"),
    }),
  ),
  slowdown: z
    .object({
      metric: z.string(),
      value: nanoseconds.describe("With the counting probes over without; above 1 is slower"),
      ci: interval,
      method: z.string(),
    })
    .nullable()
    .describe("The workload's own number in rounds `count` against rounds `off` before and after"),
  notObservable: z.array(notObservableSchema),
});

/** One trial of a search (RFC 2544, 26.1; RFC 2889, 5.6 to 5.8). */
const trialSchema = z.object({
  round: count,
  offered: z.number().nonnegative(),
  unit: z.enum(["frames/s", "addresses", "addresses/s"]).describe("Of `offered`"),
  delivered: z
    .number()
    .nonnegative()
    .describe("Frames a second that came through, or frames that found the address they were for"),
  loss: z.number().describe("Share of the frames that did not reach the host they were for"),
  flooded: count.describe("Frames at hosts that they were not for"),
  passed: z.boolean(),
});

/** One train of frames from new addresses, while the FDB fills. */
const learningSchema = z.object({
  round: count,
  entries: count.describe("Addresses learned in this round before the train"),
  nsPerFrame: z.number().nonnegative().describe("Time of the train, by frame"),
});

const workloadSchema = z.looseObject({
  name: z.string(),
  frameSize: count.optional().describe("Bytes on the wire without the FCS, see docs"),
  rate: z.number().nonnegative().optional(),
  messageSize: count.optional(),
  connections: count.optional(),
});

export const caseSchema = z.object({
  id: z.string().describe("<topology>/<workload>"),
  topology: z.string().describe("As asked for"),
  workload: workloadSchema,
  state: z.enum(["complete", "interrupted", "failed"]),
  error: z.string().nullable(),
  warnings: z.array(z.string()),
  lab: labSchema,
  rounds: z.array(roundSchema),
  metrics: z.record(z.string(), metricSchema),
  latency: z.partialRecord(z.enum(STAGES), latencySchema),
  timeCheck: timeCheckSchema
    .optional()
    .describe("Absent where stages were not timed by the wall clock"),
  roundTrip: roundTripSchema.optional().describe("Absent where the workload has no answers"),
  trials: z.array(trialSchema).optional().describe("Absent where the workload searches nothing"),
  learning: z
    .array(learningSchema)
    .optional()
    .describe("Absent where the workload teaches the bridge nothing"),
  bridge: bridgeAccountSchema.optional(),
  ports: z.array(portAccountSchema),
  probe: probeSchema.optional(),
  foreignProbes: z
    .array(foreignProbeSchema)
    .optional()
    .describe("Other people's probes under which rounds that count were measured; absent if none"),
  sessions: z
    .array(sessionSchema)
    .optional()
    .describe("Absent unless the case is one side of `bench --vs`; one a measurement"),
});

export type Decisions = z.infer<typeof decisionsSchema>;
export type RoundTrip = z.infer<typeof roundTripSchema>;
export type Latency = z.infer<typeof latencySchema>;
export type TimeCheck = z.infer<typeof timeCheckSchema>;
export type Drop = z.infer<typeof dropSchema>;
export type PortAccount = z.infer<typeof portAccountSchema>;
export type BridgeAccount = z.infer<typeof bridgeAccountSchema>;
export type Lab = z.infer<typeof labSchema>;
export type Metric = z.infer<typeof metricSchema>;
export type Round = z.infer<typeof roundSchema>;
export type Probe = z.infer<typeof probeSchema>;
export type Case = z.infer<typeof caseSchema>;
