import { checkEnds } from "../../setup/attach.ts";
import { buildPrivateLab } from "../../setup/lab.ts";
import type { BridgeSpec, TopologySpec } from "../../setup/spec.ts";
import type { Plan } from "./plan.ts";

/**
 * Builds every set of options of the plan once with two hosts, so that one that this kernel lacks is
 * a PrerequisiteError before anything is measured; and looks for the namespaces that have to be there,
 * one that is not being a UsageError.
 */
export async function checkFeatures(plan: Pick<Plan, "cases">, signal: AbortSignal): Promise<void> {
  const seen = new Set<string>();
  for (const { topology } of plan.cases) {
    if (topology.kind === "attach") await checkEnds(topology.ends, signal);
    if (topology.kind !== "bridge") continue;
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
    bridge: bridge === null ? null : { ...bridge, fdb: [], fill: leastOf(bridge.fill) },
  };
}
