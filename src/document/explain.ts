/** `explain --json`: why a bridge floods. Paths may be added; one that is there keeps its meaning under /1. */
import { z } from "zod";
import { placeSchema } from "./place.ts";

export const EXPLAIN_SCHEMA = "bridgescope.explain/1";

/** An open list. */
const CAUSES = [
  "never-learned",
  "destination-gone",
  "aged-out",
  "ageing-disabled",
  "learning-off",
  "locked-port",
  "wrong-port",
  "fdb-full",
  "mac-flapping",
  "multicast-unregistered",
  "topology-change",
  "loop",
] as const;

const remedySchema = z.object({
  command: z.string().describe("As a shell takes it"),
  effect: z.string(),
  risk: z.string(),
  undo: z.string().describe("The command that takes it back"),
  verify: z.string().describe("The command that shows it, and what to look for"),
});

const noteSchema = z.object({
  cause: z.enum(CAUSES).nullable(),
  text: z.string(),
  remedy: remedySchema.nullable(),
});

const portVerdictSchema = z.object({
  name: z.string().describe("`host` for the bridge device itself"),
  ifindex: z.int().nonnegative(),
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
  probes: z.literal(false).describe("Only netlink was asked: no frame was looked at"),
  findings: z
    .array(z.never())
    .describe("Floods that were seen; none without probes, whatever is in the notes"),
  notes: z.array(noteSchema).describe("What can make it flood, by the state it is in"),
  ports: z.array(portVerdictSchema).describe("Which flooded frames each port gets, and why"),
});

export type Explanation = z.infer<typeof explainSchema>;
export type Note = z.infer<typeof noteSchema>;
export type Remedy = z.infer<typeof remedySchema>;
export type PortVerdict = z.infer<typeof portVerdictSchema>;
