import { requireProbes } from "../doctor/index.ts";
import { BACKEND_NAMES, chooseBackend, type ProbeBackend } from "../probes/backend.ts";
import { programText, type WATCH } from "../probes/programs.ts";
import { PrerequisiteError } from "../system/errors.ts";

export const LIVE_BACKENDS = ["auto", ...BACKEND_NAMES] as const;
export type LiveBackend = (typeof LIVE_BACKENDS)[number];

/**
 * How bridges that are not ours can be observed, the best first: by their own functions where all that the program needs can
 * be probed, so that other frames cost nothing, and by tracepoints. Throws a PrerequisiteError where the kernel lets nobody.
 */
export async function liveBackends(
  asked: LiveBackend,
  files: typeof WATCH,
): Promise<ProbeBackend[]> {
  await requireProbes();
  const chosen = await chooseBackend(asked);
  if (chosen.name === "tracepoint") return [chosen];
  // Without one of them the program would leave out frames, and say nothing of it.
  const [missing] = programText(files.function, chosen).dropped;
  const others = asked === "auto" ? [await chooseBackend("tracepoint")] : [];
  if (missing === undefined) return [chosen, ...others];
  if (others.length > 0) return others;
  const why = `${chosen.name} cannot attach to ${missing.function}: ${missing.reason}`;
  throw new PrerequisiteError(`${why}; --backend tracepoint works on any kernel with BTF`);
}
