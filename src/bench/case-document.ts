import type { Case } from "../document/run.ts";
import { BridgescopeError } from "../system/errors.ts";
import type { PlannedCase } from "./plan.ts";

/** A case before anything of it was measured. */
export function emptyCase(planned: PlannedCase): Case {
  return {
    id: planned.id,
    topology: planned.topology.label,
    workload: { name: planned.workload.name },
    state: "failed",
    error: null,
    warnings: [],
    lab: { topology: planned.topology.label, bridge: null, ports: [], placement: [] },
    rounds: [],
    metrics: {},
    latency: {},
    ports: [],
  };
}

/** What a person is told of an error; ours are sentences already. */
export function sentence(error: unknown): string {
  if (error instanceof BridgescopeError) return error.message;
  return error instanceof Error ? `unexpected: ${error.message}` : String(error);
}
