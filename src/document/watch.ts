/** One line of `watch --json`: what a bridge did since the line before. Paths may be added; one that is there keeps its meaning under /2. */
import { z } from "zod";
import { decisionsSchema } from "./case.ts";
import { ownerSchema, placeSchema } from "./place.ts";

export const WATCH_SCHEMA = "bridgescope.watch/2";

const count = z.int().nonnegative();
const counted = count.nullable();
const nanoseconds = z.number().nonnegative();

const stageSchema = z.object({
  sampled: count.describe("Frames that were timed"),
  p50: nanoseconds,
  p99: nanoseconds,
});

const dropSchema = z.object({
  reason: z
    .string()
    .describe("As the kernel calls it (enum skb_drop_reason); NOT_SPECIFIED where it gives none"),
  where: z.string().describe("The kernel function that freed the frame"),
  count,
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
    .describe(
      "What became of the frames that came in here; with `held` they are all of `ingress`. Null without probes",
    ),
  held: counted.describe(
    "Of `ingress`: frames that neither left nor were dropped at once, and of which no later copy was seen yet: netfilter (a queue, reassembly, a neighbour that does not answer), tc or a socket at the port has them",
  ),
  copies: counted.describe("That the frames which came in here became"),
  later: counted.describe(
    "Of `copies`: those that left later than their frame came, or that netfilter cut anew. Their port is known, their frame is not: as many of the frames that had not left count in the decision that such a copy shows",
  ),
  amplification: z.number().nonnegative().nullable().describe("copies / ingress"),
  originated: counted.describe(
    "Of `egress`: sent by the bridge of itself (STP, IGMP, MLD); for `host`, not in its interface counters",
  ),
  unattributed: counted.describe("Of `egress`: copies whose ingress port could not be told"),
  dropped: z
    .array(dropSchema)
    .nullable()
    .describe(
      "Frames and copies that the kernel dropped at this port, the most first: in the bridge, in its queue, or behind it before its other end had them; none that a host's own stack drops. Null without probes",
    ),
  learned: counted.describe("Addresses that were new here"),
  moved: counted.describe("Addresses that moved here"),
  latency: z
    .partialRecord(z.enum(["bridge.forward", "bridge.flood"]), stageSchema)
    .describe("Of frames that came in here, in nanoseconds"),
});

const address = z.string().nullable();
const port = z.int().min(0).max(0xffff).nullable();

const taughtSchema = z.object({
  protocol: z
    .string()
    .describe(
      "`gratuitous ARP`, `ARP probe`, `ARP request`, `ARP reply`, `RARP`, `IPv6 DAD`, `neighbour solicitation`, `neighbour advertisement`, `VRRP`, `IGMP`, `MLD report`, `ICMP`, `ICMPv6`, `UDP`, `TCP`, …",
    ),
  source: address.describe("IP address; of ARP the sender's"),
  destination: address.describe("IP address"),
  sourcePort: port.describe("Of TCP and UDP"),
  destinationPort: port,
  target: address.describe("That ARP or neighbour discovery asks for, or tells of"),
});

const migrationSchema = z.object({
  from: z.string().describe("The port that it was heard at before"),
  to: z.string(),
  lastFrom: z.iso
    .datetime()
    .nullable()
    .describe(
      "Its last frame by the old port; null where none was seen there since watching began",
    ),
  firstTo: z.iso.datetime().describe("Its first frame by the new port"),
  gapSeconds: z
    .number()
    .nullable()
    .describe("Between the two; at most that where the probes counted only part of the time"),
});

const fdbEventSchema = z.object({
  time: z.iso.datetime().describe("Right to a tenth of a second"),
  event: z.enum(["learned", "moved", "added", "aged", "deleted", "flushed"]),
  address: z.string(),
  vlan: count.describe("0 where VLANs are not filtered"),
  port: z.string().describe("Behind which it is, or was"),
  from: z.string().nullable().describe("The port that it moved from"),
  by: z.string().describe("kernel, or the command and PID of who asked for it"),
  taught: taughtSchema
    .nullable()
    .describe(
      "The frame by which it was learned or moved, where the probes saw it; null without probes",
    ),
  migration: migrationSchema
    .nullable()
    .describe("Of the address of --mac, where it was heard at another port before; by the probes"),
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
    sampledOneIn: count.nullable().describe("One frame in this many was timed"),
    softnetDrops: count.nullable().describe("Of the whole machine, since the line before"),
  }),
  notes: z.array(z.string()),
});

export type WatchRecord = z.infer<typeof watchSchema>;
export type WatchPort = z.infer<typeof portSchema>;
export type WatchDrop = z.infer<typeof dropSchema>;
export type FdbEvent = z.infer<typeof fdbEventSchema>;

/** The same reason at the same place once; the most first. */
export function addDrops(drops: readonly WatchDrop[]): WatchDrop[] {
  const all: WatchDrop[] = [];
  for (const drop of drops) {
    const known = all.find(({ reason, where }) => reason === drop.reason && where === drop.where);
    if (known === undefined) all.push({ ...drop });
    else known.count += drop.count;
  }
  return all.sort((a, b) => b.count - a.count);
}
