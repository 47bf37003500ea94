/**
 * The run document, `run.json`: what one plan, executed once, found.
 *
 * The paths written here are read by other people's scripts. A path may be added;
 * one that is there keeps its name, its unit and its meaning under `bridgescope.run/1`.
 */
import { z } from "zod";
import { caseSchema } from "./case.ts";

export * from "./case.ts";

export const RUN_SCHEMA = "bridgescope.run/1";

const count = z.int().nonnegative();
/** Integer nanoseconds. */
const nanoseconds = z.number().nonnegative();

export const checkSchema = z.object({
  id: z.string().describe("<rung>/<what was shown>, e.g. veth/peers-name-each-other"),
  title: z.string().describe("The fact in one sentence"),
  passed: z.boolean(),
  evidence: z.object({
    command: z.string().describe("What a person would type to see the same"),
    expected: z.string(),
    observed: z.string(),
  }),
});

export const runSchema = z.object({
  schema: z.literal(RUN_SCHEMA),
  id: z.string(),
  state: z.enum(["complete", "interrupted", "failed"]),
  startedAt: z.string().describe("ISO 8601, UTC"),
  durationNs: nanoseconds,
  provenance: z.object({
    argv: z.array(z.string()),
    version: z.string(),
    plan: z.string(),
    seed: z.int(),
    programs: z.record(z.string(), z.string()).describe("Probe program file: SHA-256"),
  }),
  environment: z.object({
    kernel: z.object({
      release: z.string(),
      version: z.string(),
      cmdline: z.string(),
      config: z
        .record(z.string(), z.string())
        .describe("The options that matter to a bridge; empty when not readable"),
      mitigations: z.record(z.string(), z.string()),
      preempt: z.string(),
    }),
    cpu: z.object({
      model: z.string(),
      online: count,
      virtualization: z.string().nullable(),
      governor: z.string().nullable(),
    }),
    clock: z.enum(["wall", "icount"]),
    clocksource: z.string(),
    tools: z.record(z.string(), z.string()),
    sysctls: z.record(z.string(), z.string()),
    noise: z.array(
      z.object({ id: z.string(), observed: z.string(), advice: z.string().nullable() }),
    ),
  }),
  checks: z.array(checkSchema),
  cases: z.array(caseSchema),
});

export type Check = z.infer<typeof checkSchema>;
export type Run = z.infer<typeof runSchema>;
