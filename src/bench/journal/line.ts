/** What a run writes down while it goes: one JSON value a line, in the order in which things were finished. */
import { z } from "zod";
import {
  caseSchema,
  METRICS,
  type MetricName,
  roundSchema,
  roundTripSchema,
} from "../../document/case.ts";
import { checkSchema, runSchema } from "../../document/run.ts";

export const JOURNAL_SCHEMA = "bridgescope.journal/2";

const word = z.union([z.string(), z.number()]);
const requestValue = z.union([word, z.array(word)]);

/** The first line: what was asked for, and the document before anything was measured. */
export const headSchema = z.object({
  schema: z.literal(JOURNAL_SCHEMA),
  of: z.enum(["plan", "versus", "kernels"]).describe("`bench` alone, with --vs, or with --kernel"),
  plan: z.string().nullable().describe("As named on the command line"),
  request: z.record(z.string(), requestValue),
  steps: z
    .array(z.object({ id: z.string(), rounds: z.int(), durationNs: z.number() }))
    .describe("The cases that the plan came to"),
  run: runSchema,
});

const without = { round: true } as const;
const element = <Item extends z.ZodObject>(list: z.ZodOptional<z.ZodArray<Item>>) =>
  list.unwrap().element;

/** What a round found, as far as the document keeps it. */
const measuredSchema = z.object({
  metrics: z.partialRecord(z.enum(Object.keys(METRICS) as MetricName[]), z.number()),
  cpu: roundSchema.shape.cpu,
  roundTrip: roundTripSchema.pick({ buckets: true, from: true, missedSlots: true }).optional(),
  warnings: z.array(z.string()).optional(),
  trials: z.array(element(caseSchema.shape.trials).omit(without)).optional(),
  learning: z.array(element(caseSchema.shape.learning).omit(without)).optional(),
});

const keptRoundSchema = z.object({ round: roundSchema, measured: measuredSchema });

/** An attempt at a case: the rounds of those before it, and why they do not count. */
const attemptSchema = z.object({
  id: z.string(),
  attempt: z.int().positive(),
  discarded: z.array(roundSchema),
  warnings: z.array(z.string()),
});

const bothOf = <Side extends z.ZodType>(side: Side) => z.object({ base: side, candidate: side });

const builtSchema = bothOf(
  caseSchema
    .pick({ workload: true, lab: true, warnings: true })
    .extend({ setupNs: z.number().nullable() }),
);

const readingSchema = z.object({
  cpu: z.object({ total: z.number(), softirq: z.number(), steal: z.number() }).nullable(),
  softnetDrops: z.number().nullable(),
  involuntarySwitches: z.number(),
  pressureUs: z.number().nullable(),
  atNs: z.number(),
});

const pairSchema = z
  .array(
    z.object({
      side: z.enum(["base", "candidate"]),
      before: readingSchema,
      after: readingSchema,
      result: measuredSchema.pick({ metrics: true, cpu: true, warnings: true }),
    }),
  )
  .length(2)
  .refine(([one, other]) => one?.side !== other?.side, "is of one side only");

/** Of one measurement of a case by `bench --vs`, in order. */
const sessionEventSchema = z.union([
  z.object({ built: builtSchema, ns: z.number() }),
  z.object({ pair: pairSchema, ns: z.number() }),
]);

const entrySchema = z.union([
  z.object({ resumedAt: z.string() }),
  z.object({ checks: z.array(checkSchema) }),
  z.object({ begun: attemptSchema }),
  keptRoundSchema,
  z.object({ observed: caseSchema.describe("The case when its probes had been read") }),
  z.object({ finished: caseSchema }),
  z.object({ measuring: z.object({ id: z.string(), measurement: z.int().min(1).max(2) }) }),
  sessionEventSchema,
  z.object({ compared: bothOf(caseSchema) }),
  z.object({ boot: runSchema.describe("The document of one boot of a guest") }),
]);
export const lineSchema = z.intersection(entrySchema, z.object({ elapsedNs: z.number() }));

export type JournalHead = z.infer<typeof headSchema>;
export type JournalEntry = z.infer<typeof entrySchema>;
export type KeptRound = z.infer<typeof keptRoundSchema>;
export type SessionEvent = z.infer<typeof sessionEventSchema>;
export type Attempt = z.infer<typeof attemptSchema>;
