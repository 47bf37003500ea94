/**
 * The run document, `run.json`: what one plan, executed once, found.
 *
 * The paths written here are read by other people's scripts. A path may be added;
 * one that is there keeps its name, its unit and its meaning under `bridgescope.run/2`.
 */
import { z } from "zod";
import { caseSchema } from "./case.ts";
import { foreignProbeSchema } from "./foreign.ts";
import { slopesSchema } from "./slopes.ts";
import { truthSchema } from "./truth.ts";

export * from "./case.ts";
export type { Slopes } from "./slopes.ts";

export const RUN_SCHEMA = "bridgescope.run/2";

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

/** One function on a frame's way, and whether its entry can be probed on this kernel. */
export const functionSchema = z.object({
  name: z.string(),
  module: z.string().nullable().describe("null for the kernel image itself or where it is absent"),
  fentry: z.string().nullable().describe("null where fentry can attach, else why not"),
  kprobe: z.string().nullable().describe("null where a kprobe can attach, else why not"),
});

/** The virtual machine that this run was made in. */
const guestSchema = z.object({
  kernel: z.object({
    spec: z.string().describe("As asked for: debian:<suite>, or the path of an image or a tree"),
    source: z.string().describe("Package and version, or `git describe` of the tree"),
    sha256: z.string().describe("Of the kernel image"),
    configSha256: z.string().nullable(),
  }),
  userland: z.string().describe("Suite and checksum of the userland that the kernel was given"),
  hypervisor: z.string().describe("qemu and its version"),
  accelerator: z.enum(["kvm", "tcg"]),
  smp: count,
  memoryMb: count,
  boots: z
    .array(
      z.object({
        seed: count.describe("Of qemu's random numbers"),
        padding: count.describe(
          "Bytes of padding on the kernel command line, which move its layout",
        ),
      }),
    )
    .min(1),
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
    programs: z
      .record(z.string(), z.string())
      .describe("Probe program file: SHA-256 of its text without comments and white space"),
    resumedAt: z
      .array(z.string())
      .optional()
      .describe("When `bench --resume` went on with the run, ISO 8601, UTC"),
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
      compiler: z.string().optional().describe("As /proc/version names it"),
    }),
    cpu: z.object({
      model: z.string(),
      architecture: z.string().optional().describe("As Node names it: x64, arm64"),
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
    foreignProbes: z
      .array(foreignProbeSchema)
      .optional()
      .describe(
        "Other people's probes on a frame's way that were there at the start, between rounds or at the end; absent where they could not be looked for",
      ),
    functions: z
      .array(functionSchema)
      .optional()
      .describe("The functions on a frame's way, and which backend can probe each"),
  }),
  guest: guestSchema.optional().describe("Absent for a run on the host itself"),
  pairing: z
    .object({
      session: z.string().describe("The same in the document of the other side"),
      side: z.enum(["base", "candidate"]),
      label: z.string().describe("The variant, as asked for"),
    })
    .optional()
    .describe("One side of `bench --vs`: the n-th rounds of both that count are a pair"),
  integrity: z
    .string()
    .optional()
    .describe("Checksum of the document as it was written; made anew nowhere else"),
  checks: z.array(checkSchema),
  cases: z.array(caseSchema),
  slopes: slopesSchema.optional().describe("Absent where the plan does not ask for them"),
  truth: truthSchema.optional().describe("Absent where the plan does not ask for it"),
});

export type Check = z.infer<typeof checkSchema>;
export type TracedFunction = z.infer<typeof functionSchema>;
export type Run = z.infer<typeof runSchema>;
