/** A probe program that looks at bridges of the host, with its maps at hand. */
import type { ProbeBackend } from "../probes/backend.ts";
import { NONCE, type ProbeProgram, type ProbeSession, startProbes } from "../probes/bpftrace.ts";
import { openProbeMaps, type ProbeMaps } from "../probes/maps.ts";
import { programText } from "../probes/programs.ts";
import { openPrivateSite } from "../system/site.ts";

export interface LiveProgram {
  session: ProbeSession;
  maps: ProbeMaps;
  /** Detaches; nothing of it stays. */
  close(): Promise<void>;
}

/** Entries that each of its maps can hold. */
const MAP_KEYS = 65_536;

/** Attaches live.bt or watch.bt, whose only parameter is the marker's nonce. */
export async function attachLive(
  file: string,
  backend: ProbeBackend,
  signal?: AbortSignal,
): Promise<LiveProgram> {
  const site = await openPrivateSite();
  let session: ProbeSession | null = null;
  const close = async () => {
    await session?.kill();
    await site.close();
  };
  try {
    const program: ProbeProgram = {
      ...programText(file, backend),
      parameters: [NONCE],
      mapKeys: MAP_KEYS,
    };
    session = await startProbes(site, program, signal);
    const maps = openProbeMaps(session.child.pid);
    return {
      session,
      maps,
      close: async () => {
        maps.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
