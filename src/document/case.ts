/** One case of the run document: its lab, rounds, metrics, latency, and what the probes counted. */
import { z } from "zod";
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
  "veth",
  "bridge.forward",
  "bridge.flood",
  "bridge.learn",
  "bridge.lookup",
  "path",
] as const;
export type Stage = (typeof STAGES)[number];

export const latencySchema = z.object({
  unit: z.enum(["ns", "instructions"]),
  count: count.describe(
    "Passages of the stage over the whole window, warm-up included; never sampled",
  ),
  sampled: count.describe(
    "Passages that were timed, all in measured rounds; the buckets hold this many",
  ),
  p50: nanoseconds,
  p90: nanoseconds,
  p99: nanoseconds,
  p999: nanoseconds,
  max: nanoseconds.describe("Upper edge of the highest bucket that holds a sample"),
  buckets: z
    .array(z.tuple([nanoseconds, nanoseconds, count]))
    .describe("[lo, hi, count] with lo <= value < hi, ascending, only those that hold samples"),
  estimate: z
    .object({
      value: nanoseconds,
      ci: z.tuple([nanoseconds, nanoseconds]),
      method: z.string(),
      n: count,
    })
    .nullable()
    .describe("The stage's headline with its interval; null where one round cannot carry one"),
  perRound: z
    .array(z.object({ round: count, value: nanoseconds, n: count, of: count }))
    .optional()
    .describe(
      "Counted time only: the mode of each round (a bridge of its own), net of the probes; n of its samples had it",
    ),
  from: z.string().describe("The kernel event at which the clock starts"),
  to: z.string().describe("The kernel event at which it stops"),
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
      z.object({ sampled: count, p50: nanoseconds, p90: nanoseconds, p99: nanoseconds }),
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
    })
    .nullable(),
  ports: z.array(
    z.object({
      name: z.string(),
      ifindex: count,
      namespace: z.string(),
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
  samples: z
    .array(z.number())
    .describe(
      "One number a round, in the order of the rounds; where there are rounds `off`, of those",
    ),
});

export const roundSchema = z.object({
  index: count,
  side: z
    .string()
    .describe(
      "Which variant was measured: `base`, `candidate`, or with and without probes `on` and `off`; latency is of those `on`",
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
  overhead: z
    .object({
      metric: z.string(),
      on: z.array(z.number()),
      off: z.array(z.number()),
      ratio: z.number(),
      ci: z.tuple([z.number(), z.number()]),
      method: z.string(),
    })
    .nullable()
    .describe(
      "The workload's own number with probes on and off, interleaved; null when not asked for",
    ),
  notObservable: z.array(notObservableSchema),
  calibration: z
    .array(
      z.object({
        pair: z.string().describe("What the two probes were, e.g. `fentry to fexit`"),
        value: nanoseconds.describe(
          "Mode over an empty path; taken out of every stage of this pair",
        ),
        n: count,
        of: count,
      }),
    )
    .optional()
    .describe("Counted time only: the probes' own instructions between their two clock readings"),
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
  roundTrip: roundTripSchema.optional().describe("Absent where the workload has no answers"),
  trials: z.array(trialSchema).optional().describe("Absent where the workload searches nothing"),
  learning: z
    .array(learningSchema)
    .optional()
    .describe("Absent where the workload teaches the bridge nothing"),
  bridge: bridgeAccountSchema.optional(),
  ports: z.array(portAccountSchema),
  probe: probeSchema.optional(),
  sessions: z
    .array(sessionSchema)
    .optional()
    .describe("Absent unless the case is one side of `bench --vs`; one a measurement"),
});

export type Decisions = z.infer<typeof decisionsSchema>;
export type RoundTrip = z.infer<typeof roundTripSchema>;
export type Latency = z.infer<typeof latencySchema>;
export type Drop = z.infer<typeof dropSchema>;
export type PortAccount = z.infer<typeof portAccountSchema>;
export type BridgeAccount = z.infer<typeof bridgeAccountSchema>;
export type Lab = z.infer<typeof labSchema>;
export type Metric = z.infer<typeof metricSchema>;
export type Round = z.infer<typeof roundSchema>;
export type Probe = z.infer<typeof probeSchema>;
export type Case = z.infer<typeof caseSchema>;
