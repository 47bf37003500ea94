/** `explain --json`: why a bridge floods or loses frames. Paths may be added, with a default for documents that lack them; one that is there keeps its meaning under /2. */
import { z } from "zod";
import { journeySchema } from "./journey.ts";
import { placeSchema } from "./place.ts";

export const EXPLAIN_SCHEMA = "bridgescope.explain/2";

/** Open lists. */
const FLOOD_CAUSES = [
  "never-learned",
  "destination-gone",
  "aged-out",
  "ageing-disabled",
  "learning-off",
  "locked-port",
  "entry-removed",
  "wrong-port",
  "fdb-full",
  "asymmetric-path",
  "vlan-mismatch",
  "mac-flapping",
  "broadcast-storm",
  "multicast-unregistered",
  "topology-change",
  "loop",
  "vxlan-stale-remote",
] as const;
/** Of `loss` and `policy`. */
const LOSS_CAUSES = [
  "netfilter",
  "vxlan-no-remote",
  "vxlan-wrong-remote",
  "snooping-no-member",
  "stp-state",
  "isolated",
  "no-hairpin",
  "mtu",
  "backlog",
  "link-local",
  "vlan-filtered",
  "locked-port",
  "own-address",
  "port-down",
  "wrong-port",
  "flood-off",
  "other",
] as const;
const CAUSES = [...new Set([...FLOOD_CAUSES, ...LOSS_CAUSES])];

/** What a finding is: a flood has copies; the others are of frames that did not get where they should have. */
const KINDS = ["flood", "loss", "policy"] as const;
const CLASSES = ["unknownUnicast", "broadcast", "multicast"] as const;

const ENDED_EARLY = ["bridge-gone", "overhead", "backlog"] as const;

const remedySchema = z.object({
  command: z.string().describe("As a shell takes it"),
  effect: z.string(),
  risk: z.string(),
  undo: z.string().describe("The command that takes it back"),
  verify: z
    .string()
    .describe("A command that fails until it is done, and where it no longer holds"),
});

/** What is proposed, or why nothing is; of findings and notes. */
export const remedyFields = {
  remedy: remedySchema.nullable(),
  noRemedy: z
    .string()
    .nullable()
    .optional()
    .describe("Why no remedy is proposed, where one could be expected"),
};

const count = z.int().nonnegative();

const portSchema = z.object({
  name: z.string().describe("`host` for the bridge device itself"),
  ifindex: count,
  owner: z.string().nullable().describe("In one phrase: container, pod, namespace or process"),
});

const perSecond = z
  .number()
  .nonnegative()
  .describe("The most within one second, over a window that slides");

const findingSchema = z.object({
  kind: z
    .enum(KINDS)
    .describe(
      "`flood` has copies that reached ports which should not have them; `loss` has frames that should have left and left nowhere; `policy` is what somebody evidently asked for, and no reason to exit with 3",
    ),
  cause: z.enum(CAUSES),
  title: z.string(),
  severity: z
    .enum(["low", "medium", "high"])
    .describe(
      "Of a flood by copies per second: from 1,000 medium, from 10,000 high. Of a loss by its share: all frames of a flow, or all copies for a port, high, from 1 % medium. Of a policy low",
    ),
  basis: z
    .enum(["observed", "inferred"])
    .describe("How the cause is known; the flood or the loss was seen"),
  alternatives: z.array(z.string()).describe("What else it could be"),
  source: z.string().nullable().describe("MAC address; for a flapping address that address"),
  destination: z.string().nullable().describe("MAC address; null for several"),
  addresses: z
    .object({ source: z.string().nullable(), destination: z.string().nullable() })
    .describe("Of the IP or ARP header of its first frame"),
  protocol: z.string().nullable().describe("Of its first frame: ARP, TCP, UDP, ICMP, …"),
  sourcePort: count.nullable().describe("Of TCP and UDP, in its first frame"),
  destinationPort: count.nullable(),
  vlan: count,
  ingressPort: portSchema.nullable(),
  since: z
    .string()
    .describe(
      "Time of its first frame, or `before attach` where it was there from the start; of a loss `not timed` where that was not seen",
    ),
  frames: count.describe(
    "That came in of its flows, those of a loss that got through among them; for a flapping address its moves",
  ),
  copies: count.describe(
    "That left by ports which should not have them: not by the port that the destination lives behind, and not by those of a group's members and routers. Of broadcast all. Of a loss those that were to leave, where copies were lost and others of the same frames left, else 0",
  ),
  lost: count
    .default(0)
    .describe(
      "Frames that should have left and left nowhere, of `frames`; or copies that were lost on their way out, of `copies` where that is not 0. 0 for a flood",
    ),
  bytes: count.describe("Of the frames as they came in; 0 for a loss where that was not counted"),
  framesPerSecond: perSecond.describe("The same of frames; of a loss, of those that were lost"),
  copiesPerSecond: perSecond,
  where: z
    .string()
    .nullable()
    .default(null)
    .describe(
      "The kernel function that dropped them; null for a flood, for several, or where none was seen to",
    ),
  reason: z
    .string()
    .nullable()
    .default(null)
    .describe("The kernel's reason for that; null before Linux 5.17, which knows none"),
  victims: z
    .array(z.object({ port: portSchema, copies: count }))
    .describe(
      "The ports that these copies left by; of a loss those that did not get as many, as far as it is known whom they were for",
    ),
  evidence: z.array(z.string()),
  captures: z.array(z.string()).describe("Files with the first frames, one a flow, by --pcap"),
  ...remedyFields,
});

const belowSchema = z.object({
  kind: z
    .enum(["flood", "loss", "policy", "nowhere", "moves"])
    .describe(
      "`nowhere`: frames of which no port got a copy, without a drop that was seen and without a cause; `moves`: of an address between ports",
    ),
  class: z.enum(CLASSES).nullable().describe("Null for moves, and for unicast that was lost"),
  source: z.string().nullable().describe("MAC address; null for several"),
  destination: z.string().nullable().describe("MAC address; null for several"),
  vlan: count,
  ingressPort: portSchema.nullable().describe("Of most of its frames"),
  frames: count.describe("Moves, or lost frames, where that is its kind"),
  copies: count.describe("Of a flood, as in a finding"),
  framesPerSecond: perSecond,
  copiesPerSecond: perSecond,
});

const thresholdsSchema = z.object({
  unknownUnicast: z.number().describe("Frames a second for one destination"),
  broadcast: z.number().describe("Frames a second of one source"),
  multicast: z.number().describe("Frames a second for one group"),
  copies: z.number().describe("Copies a second of any of these, however few the frames"),
  moves: z.number().describe("Moves a second of one address"),
  frames: z.number().describe("Fewer frames of a flood, or moves, than this are no finding"),
  lost: z
    .number()
    .default(0)
    .describe(
      "Lost frames; fewer are no finding unless they are all of a flow, and three at least. 0 where losses were not judged",
    ),
  lostPerSecond: z
    .number()
    .default(0)
    .describe("Lost frames a second over all of the time, from which on they are one"),
});

const noteSchema = z.object({
  about: z
    .enum(["frames", "state", "counters"])
    .describe(
      "What was seen while frames were looked at, the state that netlink tells, or what follows from interface counters where no frame could be looked at",
    ),
  cause: z.enum(CAUSES).nullable(),
  text: z.string(),
  ...remedyFields,
});

const portVerdictSchema = z.object({
  name: z.string().describe("`host` for the bridge device itself"),
  ifindex: z.int().nonnegative(),
  owner: z.string().nullable().describe("In one phrase: container, pod, namespace or process"),
  gets: z.object({ unknownUnicast: z.boolean(), broadcast: z.boolean(), multicast: z.boolean() }),
  why: z.array(z.string()).describe("What decides it: flags, isolation, STP state, VLANs"),
});

export const explainSchema = z.object({
  schema: z.literal(EXPLAIN_SCHEMA),
  time: z.iso.datetime(),
  bridge: z.object({
    name: z.string(),
    ifindex: z.int().nonnegative(),
    namespace: placeSchema,
    options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  }),
  probes: z.boolean().describe("False: only netlink was asked, no frame was looked at"),
  notLooked: z
    .string()
    .nullable()
    .optional()
    .describe("Why no frame was looked at though that was asked for: what is missing here"),
  seconds: z.number().nonnegative().describe("In which frames were looked at"),
  counted: z
    .number()
    .nonnegative()
    .optional()
    .describe(
      "Seconds of these in which frames were counted; where they are fewer, frames and copies are estimates for all of them",
    ),
  ended: z
    .enum(ENDED_EARLY)
    .nullable()
    .optional()
    .describe("Why it ended before its time; the first note has the sentence"),
  overhead: z
    .number()
    .nonnegative()
    .nullable()
    .describe("Of one CPU, by the kernel's BPF statistics"),
  traffic: z
    .object({
      frames: count.describe("That came in by its ports, by their interface counters"),
      flooded: count.describe("Frames counted of unknown unicast, broadcast and multicast"),
      copies: count.describe("That these left as, by ports"),
    })
    .nullable()
    .describe("Of the time in which frames were looked at"),
  thresholds: thresholdsSchema.describe("From which on a flood or a loss is a finding"),
  findings: z
    .array(findingSchema)
    .describe(
      "What was seen above a threshold: floods, then losses, then policy, of each the worst first",
    ),
  below: z
    .array(belowSchema)
    .describe("What was seen and stayed below the thresholds: the largest, at most 10"),
  belowMore: count.describe("How many more there were"),
  notes: z
    .array(noteSchema)
    .describe("What can make it flood, by the state it is in, and what else there is to know"),
  ports: z.array(portVerdictSchema).describe("Which flooded frames each port gets, and why"),
  journey: journeySchema.optional().describe("Of one flow, with `--from` and `--to`"),
});

export type Explanation = z.infer<typeof explainSchema>;
export type FloodCause = (typeof FLOOD_CAUSES)[number];
export type LossCause = (typeof LOSS_CAUSES)[number];
export type EndedEarly = (typeof ENDED_EARLY)[number];
export type Finding = z.infer<typeof findingSchema>;
export type Below = z.infer<typeof belowSchema>;
export type Thresholds = z.infer<typeof thresholdsSchema>;
export type Note = z.infer<typeof noteSchema>;
export type PortVerdict = z.infer<typeof portVerdictSchema>;
