/** How well stage times close against times that nobody watched, on the host itself: `bench truth`. */
import { z } from "zod";

const count = z.int().nonnegative();
const interval = z.tuple([z.number(), z.number()]);
const measured = z.object({ value: z.number(), ci: interval }).nullable();

export const truthSchema = z.object({
  unit: z.literal("ns"),
  turns: count.describe("How often each row was measured; each turn attaches the probes anew"),
  error: z.string().nullable().describe("What ended it early, or null"),
  rows: z.array(
    z.object({
      id: z.enum(["hop", "bridge", "port", "learn", "rules"]),
      what: z.string().describe("What is held against what"),
      base: z.string(),
      candidate: z.string(),
      unobserved: measured.describe("Difference of CPU time per frame in rounds without probes"),
      observed: measured.describe("The same by net stage times"),
      ratio: z.number().nullable().describe("Observed over unobserved, mean over turns"),
      ci: interval.nullable().describe("Of the ratio, at 95 %, by Student's t over turns"),
      kind: z
        .enum(["equal", "bound"])
        .describe("`equal`: both are the same work; `bound`: the stage is only part of it"),
      closes: z
        .boolean()
        .nullable()
        .describe(
          "`equal`: the interval lies within 0.8 .. 1.25; `bound`: it lies at 1 or below; false where all of it lies outside, else null: it cannot be told",
        ),
      n: count.describe("Turns that count"),
      reason: z.string().nullable(),
    }),
  ),
});

export type Truth = z.infer<typeof truthSchema>;
