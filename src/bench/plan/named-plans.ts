import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { z } from "zod";
import { resolveTopology } from "../../setup/file.ts";
import { parseFile } from "../../setup/file-text.ts";
import { parseForeign } from "../../setup/foreign.ts";
import type { ExternalCommands } from "../../setup/spec.ts";
import { UsageError } from "../../system/errors.ts";
import { parseDuration } from "../../text/duration.ts";
import { workloadNamed } from "../workloads/index.ts";
import { NUMBER_NAMES, WORD_NAMES, type WorkloadOptions } from "../workloads/parameters.ts";
import type { CaseRequest, Timing } from "./plan.ts";

/** What a named or written plan asks for, before the command line has its say. */
export interface PlanRequest {
  name: string;
  cases: CaseRequest[];
  timing: Timing;
  ladder: boolean;
  marginal: boolean;
  truth?: boolean;
  /** IPv4 network of the hosts; undefined for RFC 2544's. */
  network: string | undefined;
}

interface Entry extends WorkloadOptions {
  topology: string;
  workload: string;
  latencySessions?: number | undefined;
}

/** What topologies are resolved with. */
export interface Surroundings {
  /** IPv4 network of the hosts. */
  network?: string | undefined;
  /** What connects an `external` topology. */
  external: ExternalCommands | null;
}

/** The walk's own network. */
const WALK_NETWORK = "192.168.1.0/24";

/** Not every case needs every stage: counts and metrics come first, and each session takes seconds. */
const untimed = { latencySessions: 0 };

/** The walk from namespace to veth to bridge, driven. */
const ARTICLE: Entry[] = [
  { topology: "netns", workload: "ping", ...untimed },
  { topology: "veth", workload: "ping", ...untimed },
  { topology: "veth", workload: "forward", ...untimed },
  { topology: "bridge:2", workload: "ping-flood" },
  { topology: "bridge:2", workload: "forward" },
  { topology: "bridge:4", workload: "ping", ...untimed },
  { topology: "bridge:4", workload: "udp-rr", ...untimed },
  { topology: "bridge:4", workload: "tcp-stream", ...untimed },
  { topology: "bridge:4", workload: "learn" },
  { topology: "bridge:4", workload: "flood" },
  { topology: "bridge:4", workload: "broadcast", ...untimed },
  { topology: "bridge:8", workload: "ping-flood", ...untimed },
  { topology: "bridge:8", workload: "flood" },
];

const QUICK: Entry[] = [
  { topology: "bridge:2", workload: "ping-flood" },
  { topology: "bridge:4", workload: "forward" },
  { topology: "bridge:4", workload: "flood" },
];

/** What a change of the bridge's own path shows in, when instructions are counted. */
const ICOUNT: Entry[] = [
  { topology: "bridge:2", workload: "forward" },
  { topology: "bridge:4", workload: "learn", addresses: 512 },
  { topology: "bridge:2", workload: "flood" },
  { topology: "bridge:16", workload: "flood" },
];

const NAMED: Record<string, (around: Surroundings) => PlanRequest> = {
  article: (around) => ({
    name: "article",
    network: around.network ?? WALK_NETWORK,
    cases: requests(ARTICLE, { ...around, network: around.network ?? WALK_NETWORK }),
    timing: { rounds: 6, durationNs: 200e6, latencySessions: 3 },
    ladder: true,
    marginal: true,
  }),
  quick: (around) => ({
    name: "quick",
    network: around.network,
    cases: requests(QUICK, around),
    timing: { rounds: 5, durationNs: 200e6, latencySessions: 3 },
    ladder: false,
    marginal: false,
  }),
  icount: (around) => ({
    name: "icount",
    network: around.network,
    cases: requests(ICOUNT, around),
    timing: { rounds: 4, durationNs: 10e6 },
    ladder: false,
    marginal: false,
  }),
  marginal: ({ network }) => ({
    ...{ name: "marginal", network, cases: [], timing: {}, ladder: false, marginal: true },
  }),
  truth: ({ network }) => ({
    ...{
      name: "truth",
      network,
      cases: [],
      timing: {},
      ladder: false,
      marginal: false,
      truth: true,
    },
  }),
};

/** What `bench` takes by name. */
export const PLAN_NAMES: readonly string[] = Object.keys(NAMED);

/** Names of 0.1.0. */
const RENAMED: Record<string, string> = { slopes: "marginal", counted: "icount" };

function each<Name extends string, Schema>(names: readonly Name[], schema: Schema) {
  return Object.fromEntries(names.map((name) => [name, schema])) as Record<Name, Schema>;
}

const fileSchema = z.strictObject({
  name: z.string().optional(),
  rounds: z.int().positive().optional(),
  duration: z.union([z.string(), z.number()]).optional(),
  network: z.string().optional(),
  ladder: z.boolean().optional(),
  marginal: z.boolean().optional(),
  cases: z
    .array(
      z.strictObject({
        topology: z.string(),
        workload: z.string(),
        ...each(NUMBER_NAMES, z.int().positive().optional()),
        ...each(WORD_NAMES, z.string().optional()),
        latencySessions: z.int().nonnegative().optional(),
      }),
    )
    .min(1),
});

/** A plan by name, or from a YAML file. */
export function loadPlan(name: string, around: Surroundings): PlanRequest {
  const named = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined;
  if (named !== undefined) return named(around);
  if (Object.hasOwn(RENAMED, name)) {
    throw new UsageError(`the plan ${name} is called ${RENAMED[name]} now`);
  }
  if (!/\.ya?ml$/.test(name)) {
    const known = PLAN_NAMES.join(", ");
    throw new UsageError(
      `unknown plan "${name}"; known are ${known}, or a YAML file (.yaml, .yml)`,
    );
  }
  return parsePlanFile(readText(name), name, around);
}

/** Every topology under every workload, as `--topology` and `--workload` name them. */
export function crossPlan(
  topologies: readonly string[],
  workloads: readonly string[],
  around: Surroundings,
): PlanRequest {
  const entries = topologies.flatMap((topology) =>
    workloads.map((workload) => ({ topology, workload })),
  );
  return {
    name: "command line",
    network: around.network,
    cases: requests(entries, around),
    timing: {},
    ladder: false,
    marginal: false,
  };
}

function requests(entries: readonly Entry[], { network, external }: Surroundings): CaseRequest[] {
  return entries.map(({ topology, workload, latencySessions, ...options }) => ({
    topology:
      parseForeign(topology, external) ??
      resolveTopology(topology, network === undefined ? {} : { network }),
    workload: workloadNamed(workload),
    options,
    ...(latencySessions === undefined ? {} : { latencySessions }),
  }));
}

/** Reads the text of a plan; throws a UsageError that names the file, the line and what is wrong. */
export function parsePlanFile(text: string, path: string, around: Surroundings): PlanRequest {
  const file = parseFile(text, path, fileSchema);
  const { data } = file;
  const durationNs = data.duration === undefined ? undefined : parseDuration(String(data.duration));
  if (durationNs === null || durationNs === 0) {
    throw file.fault(["duration"], `duration expects 1, 1s or 500ms, not "${data.duration}"`);
  }
  const base = { ...around, network: around.network ?? data.network };
  return {
    name: data.name ?? basename(path),
    network: base.network,
    cases: data.cases.flatMap((entry, index) =>
      file.at(["cases", index], () => requests([entry], base)),
    ),
    timing: { rounds: data.rounds, durationNs },
    ladder: data.ladder ?? false,
    marginal: data.marginal ?? false,
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`the plan ${path} could not be read: ${reason}`, { cause });
  }
}
