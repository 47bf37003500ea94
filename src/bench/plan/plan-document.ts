/** A plan in which everything is decided, as one process hands it to another: to a guest, for instance. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { parseTopologyFile, resolveTopology } from "../../setup/file.ts";
import { isForeign } from "../../setup/spec.ts";
import { isTopologyFile } from "../../setup/topology.ts";
import { UsageError } from "../../system/errors.ts";
import { workloadNamed } from "../workloads/index.ts";
import { NUMBER_NAMES, WORD_NAMES, type WorkloadOptions } from "../workloads/parameters.ts";
import { marginalPlan } from "./marginal-plan.ts";
import { BACKENDS, makePlan, type Plan } from "./plan.ts";

const PLAN_SCHEMA = "bridgescope.plan/1";

const schema = z.strictObject({
  schema: z.literal(PLAN_SCHEMA),
  name: z.string(),
  seed: z.int().nonnegative(),
  clock: z.enum(["wall", "icount"]),
  backend: z.enum(BACKENDS),
  cpus: z.array(z.int().nonnegative()).nullable(),
  network: z.string().optional().describe("IPv4 network of the hosts"),
  rounds: z.int().positive(),
  durationNs: z.int().positive(),
  ladder: z.boolean(),
  marginal: z.boolean(),
  cases: z.array(
    z.strictObject({
      topology: z.string(),
      file: z.string().optional().describe("Text of the topology file of that name"),
      workload: z.string(),
      options: z.strictObject(
        Object.fromEntries([
          ...NUMBER_NAMES.map((name) => [name, z.number().optional()]),
          ...WORD_NAMES.map((name) => [name, z.string().optional()]),
        ]),
      ),
      latencySessions: z.int().nonnegative(),
    }),
  ),
});

export type PlanDocument = z.infer<typeof schema>;

/** What another process needs to come to the same plan. Throws a UsageError for networks that only this host has. */
export function planDocument(plan: Plan, seed: number): PlanDocument {
  const { name, clock, backend, cpus, network, rounds, durationNs, ladder, marginal } = plan;
  return {
    schema: PLAN_SCHEMA,
    ...{ name, seed, clock, backend, rounds, ladder },
    durationNs: Math.round(durationNs),
    cpus: cpus === null ? null : [...cpus],
    ...(network === undefined ? {} : { network }),
    marginal: marginal !== null,
    cases: plan.cases.map(({ topology, workload, options, latencySessions }) => {
      if (isForeign(topology)) {
        throw new UsageError(
          `${topology.label} is a network of this host, and a guest has none of it: leave out --kernel`,
        );
      }
      const { label } = topology;
      const file = isTopologyFile(label) ? { file: readFileSync(label, "utf8") } : {};
      return { topology: label, ...file, workload: workload.name, options, latencySessions };
    }),
  };
}

/** The plan of a document's text; throws a UsageError that names `path` and what is wrong. */
export function planOfDocument(text: string, path: string): { plan: Plan; seed: number } {
  const checked = schema.safeParse(parsed(text, path));
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw new UsageError(
      `${path} is no plan document: at ${issue?.path.join(".") || "its top"}, ${issue?.message}`,
    );
  }
  const { name, seed, clock, backend, cpus, network, ladder, marginal, ...timing } = checked.data;
  const defaults = network === undefined ? {} : { network };
  const requests = checked.data.cases.map(({ topology, file, workload, ...rest }) => ({
    topology:
      file === undefined
        ? resolveTopology(topology, defaults)
        : parseTopologyFile(file, topology, defaults),
    workload: workloadNamed(workload),
    options: rest.options as WorkloadOptions,
    latencySessions: rest.latencySessions,
  }));
  const plan = makePlan(name, requests, timing, backend, ladder);
  const costs = marginal ? marginalPlan(network) : null;
  return { plan: { ...plan, marginal: costs, network, clock, cpus }, seed };
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${path} is no plan document: it is not JSON`, { cause });
  }
}
