/** What one more port, entry or rule costs a frame, and what the bridge costs over a bare veth pair. */
import { z } from "zod";

const count = z.int().nonnegative();
const interval = z.tuple([z.number(), z.number()]);

export const slopesSchema = z.object({
  metric: z.literal("ns_per_frame"),
  unit: z.literal("ns"),
  roundNs: z.number().positive().describe("Length of one round"),
  cpu: count.describe("Where the sender was pinned"),
  error: z.string().nullable().describe("What ended it early, or null"),
  cases: z.array(
    z.object({
      id: z.string().describe("<topology>/<workload>"),
      samples: z
        .array(z.number())
        .describe(
          "One number a round; all labs stood at once, and each round measured every case, in random order",
        ),
      lossy: z
        .boolean()
        .describe("Frames were lost in a round, so that less work was done than for a whole one"),
    }),
  ),
  tax: z
    .object({
      base: z.string(),
      candidate: z.string(),
      ratio: z.number(),
      ci: interval,
      difference: z.number().describe("Candidate minus base, nanoseconds a frame"),
      differenceCi: interval,
      method: z.string(),
    })
    .nullable()
    .describe("The bridge tax: bridge:2 over veth on the same host"),
  per: z.array(
    z.object({
      what: z.string().describe("`port`, `FDB entry`, `VLAN`, `firewall rule`"),
      workload: z.string(),
      cases: z.array(z.string()),
      counts: z.array(count).describe("How many of them each case has"),
      value: z
        .number()
        .nullable()
        .describe("Nanoseconds a frame for one more; null where `reason` says why"),
      ci: interval.nullable(),
      method: z.string(),
      reason: z.string().nullable(),
    }),
  ),
});

export type Slopes = z.infer<typeof slopesSchema>;
