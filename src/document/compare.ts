/**
 * The comparison document, `compare.json`: one base run against one or more candidates.
 *
 * As with the run document, a path may be added; one that is there keeps its name, its unit and its
 * meaning under `bridgescope.compare/1`.
 */
import { z } from "zod";
import { STAGES } from "./case.ts";
import { foreignProbeSchema } from "./foreign.ts";
import { disturbanceSchema, sessionSchema } from "./session.ts";

export const COMPARE_SCHEMA = "bridgescope.compare/1";

const count = z.int().nonnegative();
const interval = z.tuple([z.number(), z.number()]);
const candidate = z.string().describe("Label of the candidate it is about, see .candidates");

const state = z.enum(["complete", "interrupted", "failed"]);

const sideSchema = z.object({
  label: z.string().describe("What the verdicts call this run: the guest's spec, or the run's id"),
  id: z.string().describe("Of the run document"),
  state,
  startedAt: z.string(),
  kernel: z.object({
    release: z.string(),
    version: z.string(),
    compiler: z.string().nullable(),
  }),
  cpu: z.string(),
  backends: z.array(z.string()).describe("Each that observed a case, in the order of the cases"),
  guest: z
    .object({
      spec: z.string(),
      source: z.string(),
      sha256: z.string(),
      hypervisor: z.string(),
      accelerator: z.enum(["kvm", "tcg"]),
      smp: count,
      boots: count,
    })
    .nullable()
    .describe("null for a run on the host itself"),
  argv: z.array(z.string()).describe("The command that made the run"),
  foreignProbes: z
    .array(foreignProbeSchema)
    .optional()
    .describe("Other people's probes that its runs were measured under; absent if none"),
  runs: z
    .array(z.object({ id: z.string(), state, startedAt: z.string(), durationNs: z.number() }))
    .optional()
    .describe("All runs of the side where there are several; what stands above is of the first"),
});

/** In the order of a report: what can explain a change comes first. */
export const DIFFERENCE_GROUPS = [
  "compiler",
  "config",
  "cmdline",
  "mitigations",
  "preemption",
  "sysctls",
  "foreign",
  "clock",
  "probes",
  "tools",
  "guest",
  "cpu",
  "lab",
  "workload",
  "plan",
] as const;

const differenceSchema = z.object({
  candidate,
  group: z.enum(DIFFERENCE_GROUPS),
  name: z.string(),
  baseValue: z.string().nullable().describe("null where the base has none"),
  candidateValue: z.string().nullable().describe("null where the candidate has none"),
});

const functionChangeSchema = z.object({
  candidate,
  name: z.string(),
  base: z.string().describe("How it can be probed there, or why not"),
  inCandidate: z.string().describe("The same in the candidate"),
});

const accountSchema = z.object({
  case: z.string(),
  candidate,
  state: z.enum(["same", "different", "notObserved"]),
  differences: z.array(
    z.object({
      name: z.string(),
      unit: z.enum(["share", "copies", "frames", "words"]),
      baseValue: z.union([z.number(), z.string()]).nullable(),
      candidateValue: z.union([z.number(), z.string()]).nullable(),
    }),
  ),
});

const unmatchedSchema = z.object({
  case: z.string(),
  candidate,
  metric: z.string().nullable().describe("The stage or metric; null for the whole case"),
  only: z.enum(["base", "candidate"]).describe("The side that has it"),
  reason: z.string().describe("Why the other has not"),
});

export const VERDICTS = ["regression", "improvement", "unchanged", "inconclusive"] as const;

const verdictSchema = z.object({
  case: z.string(),
  base: z.string().describe("Label of the base"),
  candidate,
  metric: z.string().describe("A stage (.latency) or a metric (.metrics) of the run document"),
  unit: z.string(),
  better: z.enum(["lower", "higher"]),
  baseValue: z.number(),
  baseCi: interval.nullable().describe("null where the run cannot carry an interval"),
  baseRounds: count,
  candidateValue: z.number(),
  candidateCi: interval.nullable(),
  candidateRounds: count,
  comparable: z
    .boolean()
    .describe("false where the two cannot be set against each other: clocks, or time under TCG"),
  ratio: z
    .number()
    .nullable()
    .describe("Candidate to base; null where a side has no interval, or is zero"),
  ci: interval.nullable().describe("Of the ratio"),
  method: z.string().describe("How values and intervals were made"),
  beyond: z.boolean().describe("The two sides' intervals do not overlap"),
  p: z.number().nullable().describe("null where no test was made: counted time, one run each"),
  adjustedP: z
    .number()
    .optional()
    .describe("The same, corrected for the headline metrics that were tested (Holm)"),
  alpha: z
    .number()
    .optional()
    .describe("Share of errors that the interval and the test may make; 5 % when absent"),
  exploratory: z
    .boolean()
    .optional()
    .describe("true for what barely sees the bridge: no regression is declared from it"),
  confirmation: z
    .object({
      seed: z.int(),
      pairs: count,
      ratio: z.number(),
      ci: interval,
      p: z.number(),
      agrees: z.boolean(),
    })
    .nullable()
    .optional()
    .describe("The second measurement of a flagged case; null where there was none"),
  margin: z.number().nonnegative().describe("The smallest change worth a verdict, as a share"),
  smallestVisible: z
    .number()
    .nullable()
    .describe("The smallest change, as a share, that intervals of this width could have shown"),
  smallestVisibleNs: z
    .number()
    .nullable()
    .optional()
    .describe("The same in nanoseconds a frame; null for what is no time or rate of frames"),
  values: z
    .object({ base: z.array(z.number()), candidate: z.array(z.number()) })
    .optional()
    .describe(
      "One a run, where a side has several: what they differ by is the run-to-run variation",
    ),
  needed: z
    .object({
      runs: count.nullable().describe("A side; null above 100"),
      ns: z.number().nullable().describe("How long the runs would take that are lacking"),
    })
    .optional()
    .describe("Of a headline metric by the clock: until there can be a verdict, at the least"),
  verdict: z.enum(VERDICTS),
  reason: z.string(),
});

export const compareSchema = z.object({
  schema: z.literal(COMPARE_SCHEMA),
  clock: z
    .enum(["wall", "icount", "mixed"])
    .describe("icount: values are instructions on one CPU, not time; mixed: not comparable"),
  base: sideSchema,
  candidates: z.array(sideSchema).min(1).describe("Each is compared with the base"),
  environment: z.object({ differences: z.array(differenceSchema) }),
  functions: z
    .object({
      came: z.array(functionChangeSchema),
      went: z.array(functionChangeSchema),
      changed: z.array(functionChangeSchema).describe("There in both, but probed otherwise"),
    })
    .nullable()
    .describe("Functions on a frame's way; null where a run did not list them"),
  verdicts: z.array(verdictSchema),
  sessions: z
    .array(
      sessionSchema.omit({ noise: true }).extend({
        case: z.string(),
        candidate,
        noise: z.object({ base: disturbanceSchema, candidate: disturbanceSchema }),
        clocksource: z.string(),
        governor: z.string().nullable().describe("Of the CPU frequency; null when unreadable"),
      }),
    )
    .optional()
    .describe("How the pairs were measured; absent where the runs were not made in pairs"),
  unmatched: z.array(unmatchedSchema).describe("Cases, stages and metrics that one side lacks"),
  distributions: z
    .array(
      z.object({
        case: z.string(),
        side: z.string().describe("Label of the base or of a candidate"),
        stage: z.enum(STAGES),
        unit: z.enum(["ns", "instructions"]),
        buckets: z
          .array(z.tuple([z.number(), z.number(), count]))
          .describe(
            "[lo, hi, count] net of the probes, all runs of the side together, in steps to be drawn",
          ),
      }),
    )
    .optional()
    .describe(
      "Stages of which the base and a candidate have net times, to be laid one below the other",
    ),
  accounts: z
    .array(accountSchema)
    .describe("What the bridge did with the frames: decisions, copies, drops, books"),
  warnings: z.array(z.string()),
  reproduce: z.array(z.string()).describe("The command line that makes this comparison again"),
});

export type Side = z.infer<typeof sideSchema>;
export type Difference = z.infer<typeof differenceSchema>;
export type FunctionChange = z.infer<typeof functionChangeSchema>;
export type AccountComparison = z.infer<typeof accountSchema>;
export type Unmatched = z.infer<typeof unmatchedSchema>;
export type Verdict = z.infer<typeof verdictSchema>;
export type ComparedSession = NonNullable<z.infer<typeof compareSchema>["sessions"]>[number];
export type Comparison = z.infer<typeof compareSchema>;
