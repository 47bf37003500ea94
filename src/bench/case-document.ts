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

/** What system calls say of an interface that is down, removed, or never was in the thread's namespace. */
const GONE = /: (ENETDOWN|ENODEV|ENXIO|ENETUNREACH)$/;

/** What a person is told of an error; ours are sentences already. */
export function sentence(error: unknown): string {
  if (error instanceof BridgescopeError) return error.message;
  if (error instanceof Error && GONE.test(error.message)) {
    return `an interface or a namespace of the lab went away in the middle of the case (${error.message})`;
  }
  return error instanceof Error ? `unexpected: ${error.message}` : String(error);
}
