import { requireProbes } from "../doctor/index.ts";
import { BACKEND_NAMES, chooseBackend, type ProbeBackend } from "../probes/backend.ts";
import { programText, type WATCH } from "../probes/programs.ts";
import { PrerequisiteError } from "../system/errors.ts";

export const LIVE_BACKENDS = ["auto", ...BACKEND_NAMES] as const;
export type LiveBackend = (typeof LIVE_BACKENDS)[number];

/**
 * How bridges that are not ours are observed: by their own functions where all that the program needs can be probed, so that
 * other frames cost nothing, else by tracepoints. Throws a PrerequisiteError where the kernel lets nobody.
 */
export async function liveBackend(asked: LiveBackend, files: typeof WATCH): Promise<ProbeBackend> {
  await requireProbes();
  const chosen = await chooseBackend(asked);
  if (chosen.name === "tracepoint") return chosen;
  // Without one of them the program would leave out frames, and say nothing of it.
  const [missing] = programText(files.function, chosen).dropped;
  if (missing === undefined) return chosen;
  const why = `${chosen.name} cannot attach to ${missing.function}: ${missing.reason}`;
  if (asked === "auto") return { ...(await chooseBackend("tracepoint")), reason: why };
  throw new PrerequisiteError(`${why}; --backend tracepoint works on any kernel with BTF`);
}
