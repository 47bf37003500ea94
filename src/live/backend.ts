import { requireProbes } from "../doctor/index.ts";
import { chooseBackend, type ProbeBackend } from "../probes/backend.ts";

/** How bridges that are not ours are observed: by tracepoints. Throws a PrerequisiteError where the kernel lets nobody. */
export async function liveBackend(): Promise<ProbeBackend> {
  await requireProbes();
  return chooseBackend("tracepoint");
}
