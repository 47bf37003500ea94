import { buildPrivateLab } from "../setup/lab.ts";
import type { TopologySpec } from "../setup/spec.ts";
import type { Plan } from "./plan.ts";

/**
 * Builds every set of options of the plan once with two hosts, so that one that this kernel lacks is
 * a PrerequisiteError before anything is measured.
 */
export async function checkFeatures(plan: Plan, signal: AbortSignal): Promise<void> {
  const seen = new Set<string>();
  for (const { topology } of plan.cases) {
    const small = twoHosts(topology);
    const key = JSON.stringify([small.bridge?.options, small.bridge?.nfCall, small.hosts]);
    if (seen.has(key) || topology.kind !== "bridge") continue;
    seen.add(key);
    await (await buildPrivateLab(small, { signal })).close();
  }
}

function twoHosts(topology: TopologySpec): TopologySpec {
  const { bridge } = topology;
  return {
    ...topology,
    hosts: topology.hosts.slice(0, 2),
    bridge: bridge === null ? null : { ...bridge, fdb: [] },
  };
}
