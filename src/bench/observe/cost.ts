import type { Probe } from "../../document/run.ts";
import type { ProbeBackend } from "../../probes/backend.ts";
import { NONCE, type ProbeSession, startProbes } from "../../probes/bpftrace.ts";
import { EMPTY, programText } from "../../probes/programs.ts";
import { MARKER_EVENT, type ProgramStatistics } from "../../probes/statistics.ts";
import type { BuiltLab } from "../../setup/lab.ts";
import { close, enableBpfStatistics } from "../../system/libc.ts";

/** Fewer firings than this say nothing about one firing's cost. */
const ENOUGH_EVENTS = 1000;

export interface ProbeCost {
  events: number;
  emptyNs: number | null;
  programs: Probe["programs"];
}

/**
 * What observing costs, in a round of its own: the kernel's run-time statistics slow every event, so
 * they are on for this round only, held by a descriptor that dies with us. An empty program that
 * runs beside the real ones shows what the reading itself costs.
 */
export async function measureCost(
  lab: BuiltLab,
  session: ProbeSession,
  backend: ProbeBackend,
  round: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<ProbeCost> {
  const empty = await startProbes(
    lab.site,
    { ...programText(EMPTY, backend), parameters: [NONCE], mapKeys: 16 },
    signal,
  );
  let statistics: number | null = null;
  try {
    const before = await session.statistics();
    const emptyBefore = await empty.statistics();
    statistics = enableBpfStatistics();
    await round();
    close(statistics);
    statistics = null;
    const emptyNs = perEvent(pick(difference(await empty.statistics(), emptyBefore))) ?? null;
    const programs = difference(await session.statistics(), before).filter(
      (program) => program.name !== MARKER_EVENT,
    );
    return {
      events: programs.reduce((sum, program) => sum + program.runs, 0),
      emptyNs,
      programs: programs.map((program) => ({
        name: program.name,
        events: program.runs,
        nsPerEvent: net(perEvent(program), emptyNs),
      })),
    };
  } finally {
    if (statistics !== null) close(statistics);
    await empty.kill();
  }
}

function difference(after: ProgramStatistics[], before: ProgramStatistics[]): ProgramStatistics[] {
  const known = new Map(before.map((program) => [program.id, program]));
  return after.map((program) => ({
    ...program,
    runTimeNs: program.runTimeNs - (known.get(program.id)?.runTimeNs ?? 0),
    runs: program.runs - (known.get(program.id)?.runs ?? 0),
  }));
}

function pick(programs: ProgramStatistics[]): ProgramStatistics | undefined {
  return programs.find((program) => program.name !== MARKER_EVENT);
}

function perEvent(program: ProgramStatistics | undefined): number | null {
  if (program === undefined || program.runs < ENOUGH_EVENTS) return null;
  return program.runTimeNs / program.runs;
}

function net(gross: number | null, emptyNs: number | null): number | null {
  return gross === null || emptyNs === null ? null : Math.max(0, gross - emptyNs);
}
