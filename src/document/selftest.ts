/** The selftest document: how far the verdicts can be trusted on one host. */
import { z } from "zod";

export const SELFTEST_SCHEMA = "bridgescope.selftest/1";

const count = z.int().nonnegative();
const interval = z.tuple([z.number(), z.number()]);
const share = z
  .object({ hits: count, of: count, share: z.number(), ci: interval })
  .describe("Exact 95 % interval (Clopper and Pearson, 1934)");

const partSchema = z.object({
  what: z.string(),
  base: z.string().describe("Topology"),
  candidate: z.string().describe("Topology; the base's where whatever is found is a false alarm"),
  secondsEach: z.number().describe("Budget of one measurement"),
  ratio: z.number().nullable().describe("Of ns_per_frame: the median over all comparisons"),
  ratioCi: interval.nullable().describe("95 %, over comparisons"),
  found: share.nullable().describe("Comparisons in which one measurement found a change"),
  declared: share.nullable().describe("Those in which the second measurement agreed"),
  covered: share
    .nullable()
    .describe("Intervals of ns_per_frame that hold the truth: 1, or else the ratio of all of them"),
  comparisons: z.array(
    z.object({
      seed: z.int(),
      pairs: count,
      ratio: z.number(),
      ci: interval,
      p: z.number(),
      found: z.boolean(),
      declared: z.boolean(),
    }),
  ),
});

export const selftestSchema = z.object({
  schema: z.literal(SELFTEST_SCHEMA),
  state: z.enum(["complete", "interrupted", "failed"]),
  error: z.string().nullable(),
  startedAt: z.string(),
  durationNs: z.number().nonnegative(),
  argv: z.array(z.string()),
  version: z.string(),
  seed: z.int(),
  kernel: z.string(),
  cpu: z.string(),
  alpha: z.number(),
  parts: z.array(partSchema),
});

export type SelftestPart = z.infer<typeof partSchema>;
export type Selftest = z.infer<typeof selftestSchema>;
