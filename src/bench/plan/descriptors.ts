import { readdirSync, readFileSync } from "node:fs";
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
