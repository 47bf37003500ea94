import { readdirSync, readFileSync } from "node:fs";
import { checkEnds } from "../../setup/attach.ts";
import { buildPrivateLab } from "../../setup/lab.ts";
import type { BridgeSpec, TopologySpec } from "../../setup/spec.ts";
import { UsageError } from "../../system/errors.ts";
import type { Plan } from "./plan.ts";

/** For what a case opens beside sockets and namespaces: pipes of tools, files of /proc, the lab's holder. */
const RESERVE = 64;

/** Throws a UsageError for a case that needs more descriptors than this process may open. */
export function checkDescriptors(
  plan: Pick<Plan, "cases">,
  limits = readFileSync("/proc/self/limits", "utf8"),
): void {
  const limit = openFilesLimit(limits);
  const open = readdirSync("/proc/self/fd").length;
  for (const { id, workload, options, topology } of plan.cases) {
    const sockets = workload.descriptors?.(options, topology) ?? 0;
    const needed = open + topology.hosts.length + sockets + RESERVE;
    if (sockets === 0 || needed <= limit) continue;
    throw new UsageError(
      `${id} takes ${needed} descriptors and this process may open ${limit} (RLIMIT_NOFILE): ask for fewer connections, or raise it with \`ulimit -n ${needed}\``,
    );
  }
}

/** The soft limit of open files in the text of /proc/<pid>/limits; infinity where there is none. */
export function openFilesLimit(text: string): number {
  const soft = /^Max open files\s+(\S+)/m.exec(text)?.[1];
  return soft === undefined || soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}

/**
 * Builds every set of options of the plan once with two hosts, so that one that this kernel lacks is
 * a PrerequisiteError before anything is measured; and looks for the namespaces that have to be there,
 * one that is not being a UsageError.
 */
export async function checkFeatures(plan: Pick<Plan, "cases">, signal: AbortSignal): Promise<void> {
  const seen = new Set<string>();
  for (const { topology } of plan.cases) {
    if (topology.kind === "attach") await checkEnds(topology.ends, signal);
    if (topology.kind !== "bridge" && topology.kind !== "chain") continue;
    const small = twoHosts(topology);
    const key = JSON.stringify([
      small.bridge?.options,
      small.bridge?.nfCall,
      small.bridge?.fill,
      small.hosts,
    ]);
    if (seen.has(key)) continue;
    seen.add(key);
    await (await buildPrivateLab(small, { signal })).close();
  }
}

/** One of each tells whether the kernel has it. */
function leastOf(fill: BridgeSpec["fill"]): BridgeSpec["fill"] {
  return Object.fromEntries(Object.keys(fill).map((name) => [name, 1]));
}

function twoHosts(topology: TopologySpec): TopologySpec {
  const { bridge } = topology;
  return {
    ...topology,
    hosts: topology.hosts.slice(0, 2),
    bridge:
      bridge === null ? null : { ...bridge, inSeries: 1, fdb: [], fill: leastOf(bridge.fill) },
  };
}
