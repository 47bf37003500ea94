/** How the rounds of two variants were interleaved: one session of `bench --vs`. */
import { z } from "zod";

const count = z.int().nonnegative();
const nanoseconds = z.number().nonnegative();
const share = z.number().nonnegative();

/** What disturbed the rounds of one side, summed over those that count. */
export const disturbanceSchema = z.object({
  steal: share.nullable().describe("Share of the host's CPU time taken by the hypervisor"),
  softirq: share.nullable().describe("Share of the host's CPU time in softirqs, ours included"),
  softnetDrops: count.nullable().describe("Frames that a full backlog dropped, all CPUs"),
  involuntarySwitches: count.describe("Times that the sending thread was taken off its CPU"),
  pressure: share
    .nullable()
    .describe(
      "Share of the time in which a task waited for a CPU (PSI some); null when unreadable",
    ),
  autocorrelation: z
    .number()
    .nullable()
    .describe("Lag-1 autocorrelation of the headline metric over the side's rounds"),
});

export const sessionSchema = z.object({
  measurement: count.describe("1, or 2 where a flagged case was measured again"),
  seed: z.int().describe("Drew which side of each pair came first"),
  roundNs: nanoseconds.describe("As planned"),
  budgetNs: nanoseconds.nullable().describe("null where the number of pairs was given"),
  warmUp: count.describe("Pairs at the beginning that do not count, in labs of their own"),
  settled: z.boolean().describe("false where the end of the warm-up was not found"),
  blocks: count.describe(
    "Pairs of labs that were built, one after the other, for the pairs that count",
  ),
  pairs: count.describe("Pairs that count"),
  discarded: count
    .optional()
    .describe("Pairs during which other people's probes came or went; absent where none was"),
  alpha: share.describe("Share of errors that the last look may make, see looks"),
  looks: z.array(z.object({ at: share, pairs: count, alpha: share })),
  stopped: z.enum(["width", "budget", "pairs", "interrupted", "failed"]),
  noise: disturbanceSchema,
});

export type Disturbance = z.infer<typeof disturbanceSchema>;
export type Session = z.infer<typeof sessionSchema>;
