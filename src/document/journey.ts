/** `journey` of `explain --from A --to B --json`: what became of one flow's frames, hop by hop. */
import { z } from "zod";
import { placeSchema } from "./place.ts";

const count = z.int().nonnegative();

const ROLES = ["source", "ingress", "egress", "underlay", "destination"] as const;

const hopSchema = z.object({
  role: z
    .enum(ROLES)
    .describe(
      "`source` sent by the end's device, `ingress` received at the bridge's port, `egress` sent by it, `underlay` travelling within VXLAN, `destination` received by the end's device",
    ),
  device: z.string().nullable().describe("Null for an underlay where nothing was seen"),
  place: placeSchema.describe("The namespace of that device"),
  frames: count.describe("Of the flow's, that were seen here; without ARP and neighbour discovery"),
  medianNs: z
    .number()
    .nullable()
    .describe("Median, from the first hop on; null where no frame was seen at both"),
  maxNs: z.number().nullable(),
});

const resolutionSchema = z.object({
  asked: count.describe("Questions for this end's address (ARP or neighbour solicitations)"),
  reached: count.describe("Of these, that came to the last hop"),
  answered: count.describe("Answers that came back to who asked"),
});

const lostSchema = z.object({
  what: z.string().describe("In words: `echo request`, `TCP segment`, `ARP request`"),
  frames: count,
  last: z.string().describe("Where they were seen last: `eth0 (netns web)`"),
  lastRole: z.enum(ROLES).nullable().describe("Of that hop"),
  drop: z
    .object({
      where: z.string().describe("The kernel function that freed them"),
      reason: z.string().nullable().describe("Null before Linux 5.17, which tells none"),
      device: z.string().nullable().describe("That they were at"),
    })
    .nullable()
    .describe("Null where no drop was seen"),
  arrived: z
    .boolean()
    .describe("They came to the last hop, and the destination's own stack dropped them"),
});

const directionSchema = z.object({
  from: z.string(),
  to: z.string(),
  what: z.array(z.object({ what: z.string(), frames: count })).describe("What was sent, by kind"),
  frames: count.describe("Of the flow, seen anywhere; without ARP and neighbour discovery"),
  arrived: count.describe("Of these, seen at the last hop"),
  hops: z.array(hopSchema),
  decision: z.string().describe("What the bridge does with a frame for that end, by its FDB"),
  hooks: z.array(z.string()).describe("Netfilter that bridged frames pass there"),
  resolution: resolutionSchema,
  lost: z.array(lostSchema),
  unmatched: count.describe(
    "Frames seen later on the way that are none of those seen before: rewritten, or cut anew",
  ),
});

const endSchema = z.object({
  asked: z.string().describe("As it was named"),
  text: z.string().describe("In one phrase"),
  port: z.string().nullable().describe("Null for the bridge itself, and where nobody is seen"),
  owner: z.string().nullable(),
  namespace: placeSchema.nullable(),
  device: z.string().nullable(),
  macs: z.array(z.string()),
  ips: z.array(z.string()),
  remote: z.string().nullable().describe("The VTEP behind a VXLAN port that has it"),
});

const ruleSchema = z.object({
  family: z.string().describe("Of nftables: bridge, inet, ip, ip6, arp, netdev"),
  table: z.string(),
  chain: z.string(),
  handle: count.nullable().describe("Null for the chain's policy"),
  verdict: z.string(),
  from: z.string().describe("The end that they came from"),
  frames: count.describe("Of at most 10 a second that are marked"),
  text: z.string().nullable().describe("As nft prints it"),
});

export const journeySchema = z.object({
  from: endSchema,
  to: endSchema,
  filter: z.string().nullable().describe("tcpdump's expression"),
  probe: z
    .object({
      what: z.string(),
      sent: count,
      text: z.string().describe("What was sent, and what came of it"),
    })
    .nullable(),
  verdict: z.string(),
  directions: z.array(directionSchema).describe("From A to B, and from B to A"),
  heard: z
    .array(z.object({ what: z.string(), port: z.string(), frames: count }))
    .describe("Where nothing of the flow was seen: what else came and went at these ports"),
  elsewhere: z.string().nullable().describe("For an end behind another host: what to run there"),
  rules: z
    .array(ruleSchema)
    .nullable()
    .describe("Rules and policies that marked frames met; null without --trace-rules"),
});

export type Journey = z.infer<typeof journeySchema>;
export type JourneyDirection = Journey["directions"][number];
export type JourneyHop = JourneyDirection["hops"][number];
export type JourneyLost = JourneyDirection["lost"][number];
