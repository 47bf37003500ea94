/** `lint --json`: configuration of bridges that floods or loses frames. Paths may be added; one that is there keeps its meaning under /1. */
import { z } from "zod";
import { remedyFields } from "./explain.ts";
import { placeSchema } from "./place.ts";

export const LINT_SCHEMA = "bridgescope.lint/1";

/** Open list, in the order in which they are told. */
export const LINT_RULES = [
  "loop",
  "port-limit",
  "backlog",
  "vxlan-half-entry",
  "nf-call-forward",
  "duplicate-address",
  "wrong-port",
  "snooping-no-member",
  "snooping-no-querier",
  "fdb-full",
  "ageing-disabled",
  "learning-off",
  "mtu-spread",
  "mac-unpinned",
  "stp-delay",
  "destination-gone",
  "vxlan-stale-remote",
  "lldp-stopped",
  "promiscuous",
] as const;

const bridgeSchema = z.object({
  name: z.string(),
  ifindex: z.int().nonnegative(),
  namespace: placeSchema,
});

const findingSchema = z.object({
  rule: z.enum(LINT_RULES),
  severity: z
    .enum(["low", "medium", "high"])
    .describe("high: frames are lost, or go round, as it is; exit status 3"),
  bridge: z.string().describe("Its name"),
  text: z.string(),
  evidence: z.array(z.string()).describe("What was read that says so"),
  ...remedyFields,
});

const notJudgedSchema = z.object({
  rule: z.enum(LINT_RULES),
  bridges: z.array(z.string()).describe("Those of which it was not judged"),
  why: z.string(),
});

export const lintSchema = z.object({
  schema: z.literal(LINT_SCHEMA),
  time: z.iso.datetime(),
  bridge: bridgeSchema
    .nullable()
    .describe("Null where none was named and the namespace has several"),
  namespace: placeSchema,
  bridges: z.array(z.string()).describe("Those that were judged"),
  ports: z.int().nonnegative().describe("Of all of these"),
  peers: z.boolean().describe("The namespaces behind the ports were looked into"),
  findings: z.array(findingSchema).describe("The most severe first"),
  notJudged: z.array(notJudgedSchema).describe("Rules that could not be judged here, and why"),
});

export type Lint = z.infer<typeof lintSchema>;
export type LintRule = (typeof LINT_RULES)[number];
export type LintFinding = z.infer<typeof findingSchema>;
export type NotJudged = z.infer<typeof notJudgedSchema>;
