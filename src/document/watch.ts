/** One line of `watch --json`: what a bridge did since the line before. Paths may be added; one that is there keeps its meaning under /1. */
import { z } from "zod";
import { decisionsSchema } from "./case.ts";
import { ownerSchema, placeSchema } from "./place.ts";

export const WATCH_SCHEMA = "bridgescope.watch/1";

const count = z.int().nonnegative();
const counted = count.nullable();
const nanoseconds = z.number().nonnegative();

const stageSchema = z.object({
  sampled: count.describe("Passages that were timed"),
  p50: nanoseconds,
  p99: nanoseconds,
});

const portSchema = z.object({
  name: z.string().describe("`host` for the bridge device itself"),
  ifindex: count,
  owner: ownerSchema.nullable(),
  state: z.string().describe("STP state; of `host`, up or down"),
  counters: z
    .object({ rx: count, tx: count, txDropped: count })
    .describe(
      "The interface's own, in skbs, over all of `seconds`; those of `host` as the bridge's ports see it: rx is what the host sends",
    ),
  ingress: counted.describe("Frames that came in here while the probes counted; null without"),
  egress: counted,
  decisions: decisionsSchema
    .nullable()
    .describe("What became of the frames that came in here; null without probes"),
  copies: counted.describe("That the frames which came in here became"),
  amplification: z.number().nonnegative().nullable().describe("copies / ingress"),
  originated: counted.describe(
    "Of `egress`: sent by the bridge of itself (STP, IGMP, MLD); for `host`, not in its interface counters",
  ),
  unattributed: counted.describe("Of `egress`: copies whose ingress frame could not be told"),
  learned: counted.describe("Addresses that were new here"),
  moved: counted.describe("Addresses that moved here"),
  latency: z
    .partialRecord(z.enum(["bridge.forward", "bridge.flood"]), stageSchema)
    .describe("Of frames that came in here, in nanoseconds"),
});

const fdbEventSchema = z.object({
  time: z.iso.datetime().describe("Right to a tenth of a second"),
  event: z.enum(["learned", "moved", "added", "aged", "deleted", "flushed"]),
  address: z.string(),
  vlan: count.describe("0 where VLANs are not filtered"),
  port: z.string().describe("Behind which it is, or was"),
  from: z.string().nullable().describe("The port that it moved from"),
  by: z.string().describe("kernel, or the command and PID of who asked for it"),
});

const entrySchema = z.object({
  vlan: count,
  port: z.string(),
  kind: z.enum(["learned", "static", "local"]),
});

export const watchSchema = z.object({
  schema: z.literal(WATCH_SCHEMA),
  time: z.iso.datetime(),
  bridge: z.object({ name: z.string(), ifindex: count, namespace: placeSchema }),
  seconds: z.number().nonnegative().describe("Since the line before"),
  counted: z
    .number()
    .nonnegative()
    .describe("Seconds of these in which the probes counted; fewer where that keeps them cheap"),
  estimated: z
    .boolean()
    .describe(
      "Frames were counted for a part of the time: what ports have is the total of their interface counters, split as what was counted",
    ),
  ports: z.array(portSchema).describe("The bridge's own device, `host`, comes first"),
  inFlight: count
    .nullable()
    .describe(
      "Most frames by which the probes and the interface counters may differ, as they are read one after the other; null where the probes counted only part of the time",
    ),
  lost: count.describe("Events of the probes that were lost, by the kernel's own count"),
  fdb: z.object({
    events: z.array(fdbEventSchema),
    more: count.describe("Events beyond those that are listed, or that the kernel could not tell"),
    follow: z
      .object({ address: z.string(), entries: z.array(entrySchema) })
      .nullable()
      .describe("Where the address of --mac is now"),
  }),
  overhead: z.object({
    share: z
      .number()
      .nonnegative()
      .nullable()
      .describe(
        "Of one CPU: the kernel's BPF statistics, and what an event was measured to cost besides; null without probes",
      ),
    limit: z.number().nonnegative(),
    sampledOneIn: count.nullable().describe("One passage in this many was timed"),
    softnetDrops: count.nullable().describe("Of the whole machine, since the line before"),
  }),
  notes: z.array(z.string()),
});

export type WatchRecord = z.infer<typeof watchSchema>;
export type WatchPort = z.infer<typeof portSchema>;
export type FdbEvent = z.infer<typeof fdbEventSchema>;
