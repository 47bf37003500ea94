/**
 * What a run did, one event after the other. Every document of a run, its progress and its journal are folds over
 * these events, and a run that was cut off goes on from them.
 */
import { z } from "zod";
import {
  bridgeAccountSchema,
  caseSchema,
  labSchema,
  latencySchema,
  METRICS,
  type MetricName,
  portAccountSchema,
  probeSchema,
  roundSchema,
  roundTripSchema,
  STAGES,
} from "./case.ts";
import { foreignProbeSchema } from "./foreign.ts";
import { checkSchema, runSchema } from "./run.ts";
import { sessionSchema } from "./session.ts";

/** Programs that time: see the files of the same names in src/probes/time. */
export const TIME_PROBES = ["bridge", "sender", "learn", "empty"] as const;
export type TimeProbe = (typeof TIME_PROBES)[number];

const count = z.int().nonnegative();
const nanoseconds = z.number().nonnegative();
const element = <Item extends z.ZodObject>(list: z.ZodOptional<z.ZodArray<Item>>) =>
  list.unwrap().element;

/** What one round of a workload found. */
const measuredSchema = z.object({
  metrics: z.partialRecord(z.enum(Object.keys(METRICS) as MetricName[]), z.number()),
  cpu: roundSchema.shape.cpu,
  ksoftirqdNs: nanoseconds.optional().describe("What the sender's ksoftirqd ran meanwhile"),
  rttNs: roundSchema.shape.rttNs,
  roundTrip: roundTripSchema.pick({ buckets: true, from: true, missedSlots: true }).optional(),
  warnings: z.array(z.string()).optional(),
  trials: z.array(element(caseSchema.shape.trials).omit({ round: true })).optional(),
  learning: z.array(element(caseSchema.shape.learning).omit({ round: true })).optional(),
});

/** What the machine's own counters said at one moment; null where the kernel does not tell. */
export const readingSchema = z.object({
  cpu: z.object({ total: z.number(), softirq: z.number(), steal: z.number() }).nullable(),
  squeezed: z
    .number()
    .nullable()
    .describe("Polls that ended before their queue was empty (time_squeeze), all CPUs"),
  softnetDrops: z.number().nullable().describe("Frames that a full backlog dropped, all CPUs"),
  involuntarySwitches: z.number().describe("Of this thread"),
  pressureUs: z.number().nullable().describe("Microseconds in which some task waited for a CPU"),
  atNs: z.number(),
  foreign: z
    .array(z.string())
    .optional()
    .describe("Other people's probes that were there, by key; absent where none could be seen"),
});

/** Other people's probes that were seen for the first time in this case. */
const foreign = z.array(foreignProbeSchema).optional();

/** One round of one driver. */
export const measuredRoundSchema = z.object({
  driver: z.string().describe("Which of the workloads that were prepared"),
  side: roundSchema.shape.side,
  stage: roundSchema.shape.stage,
  startNs: nanoseconds,
  durationNs: nanoseconds,
  before: readingSchema,
  after: readingSchema,
  measured: measuredSchema,
});

/** What the probes counted between two moments of rest. */
export const countedSchema = z.object({
  ports: z.array(portAccountSchema),
  bridge: bridgeAccountSchema.optional(),
  probe: probeSchema,
  warnings: z.array(z.string()),
});

/** What the two probes of one stage counted, in instructions. */
const stageCountsSchema = z.object({
  stage: z.enum(STAGES),
  observer: z
    .object({ pair: z.string(), value: nanoseconds, n: count, of: count })
    .nullable()
    .describe("The mode over an empty path under the same two probes, or null without one"),
  perRound: latencySchema.shape.perRound.unwrap().describe("Net"),
  buckets: latencySchema.shape.raw.shape.buckets.describe("As measured"),
  from: z.string(),
  to: z.string(),
  lost: count,
  degraded: z.array(z.string()),
  reason: z.string().nullable().describe("Why the stage was not observable, or null"),
});

/** What the ends of stages timed in one session, by the wall clock. */
const timedSchema = z.object({
  probe: z.enum(TIME_PROBES),
  samples: z.array(
    z.object({
      stage: z.enum([...STAGES, "observer"]),
      port: count.describe("Ifindex of the port, or 0"),
      buckets: latencySchema.shape.raw.shape.buckets,
    }),
  ),
  faults: z.array(z.string()).describe("Why the samples are not whole; empty when they are"),
});

const act = <Name extends string, Shape extends z.ZodRawShape>(name: Name, shape: Shape) =>
  z.object({ act: z.literal(name), at: nanoseconds.describe("Nanoseconds of the run"), ...shape });

export const eventSchema = z.discriminatedUnion("act", [
  act("resume", { time: z.string().describe("ISO 8601, UTC") }),
  act("check", { checks: z.array(checkSchema) }),
  act("begin", { id: z.string(), foreign }),
  act("build", {
    lab: z.string(),
    read: labSchema.omit({ placement: true }),
    setupNs: nanoseconds.nullable().describe("null for a network that was there before"),
    warnings: z.array(z.string()),
  }),
  act("attach", {}),
  act("prepare", {
    driver: z.string(),
    workload: caseSchema.shape.workload,
    placement: labSchema.shape.placement,
  }),
  act("warm-up", {}),
  act("measure", {
    rounds: z.array(measuredRoundSchema).min(1),
    measurement: roundSchema.shape.measurement,
    block: roundSchema.shape.block,
    foreign,
  }),
  act("cost", {}),
  act("read", { counted: countedSchema }),
  act("detach", {}),
  act("attach-time", { probe: z.enum(TIME_PROBES) }),
  act("read-time", { timed: timedSchema }),
  act("attach-stage", { stage: z.enum(STAGES) }),
  act("read-stage", { counts: stageCountsSchema }),
  act("close", {
    lab: z.string().optional().describe("All that stood where absent"),
    warnings: z.array(z.string()),
  }),
  act("discard", { attempt: count, reason: z.string() }),
  act("refuse", { id: z.string(), reason: z.string() }),
  act("session", { session: sessionSchema.omit({ noise: true }) }),
  act("fail", {
    error: z.string(),
    tool: z.string().nullable().describe("The tool that failed, if one did"),
    exitCode: count,
  }),
  act("end", { foreign }),
  act("boot", { kernel: count, boot: count, run: runSchema }),
]);

export type RunEvent = z.infer<typeof eventSchema>;
export type EventOf<Act extends RunEvent["act"]> = Extract<RunEvent, { act: Act }>;
export type MeasuredRound = z.infer<typeof measuredRoundSchema>;
export type Reading = z.infer<typeof readingSchema>;
export type Counted = z.infer<typeof countedSchema>;
export type Timed = z.infer<typeof timedSchema>;
export type StageCounts = z.infer<typeof stageCountsSchema>;
