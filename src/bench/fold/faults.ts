import type { Probe } from "../../document/case.ts";
import type { Counted } from "../../document/event.ts";
import type { Run } from "../../document/run.ts";

/**
 * Why these counts are worth nothing and the case is worth another try, or null. Under contention for the CPUs the
 * kernel now and then runs no probe for a burst of frames; any other fault would only come again.
 */
export function missedBurst({ bridge, probe }: Pick<Counted, "bridge" | "probe">): string | null {
  if (probe.degraded.some((fault) => !/^frames passed|were missed/.test(fault))) return null;
  return faultsOf({ bridge, probe }).join("; ") || null;
}

/** What makes a case's account incomplete; empty where every frame is accounted for. */
function faultsOf({
  bridge,
  probe,
}: {
  bridge?: Counted["bridge"] | undefined;
  probe?: Probe | undefined;
}): string[] {
  const unaccounted = bridge?.unaccounted ?? 0;
  return [
    ...(unaccounted > 0 ? [`${unaccounted} frames were unaccounted`] : []),
    ...(probe?.degraded ?? []),
  ];
}

/** True when every check passed, every case is complete, its accounting check passed and its probes saw all. */
export function isWhole(run: Run): boolean {
  return (
    run.state === "complete" &&
    run.checks.every((check) => check.passed) &&
    run.cases.every((one) => one.state === "complete" && faultsOf(one).length === 0)
  );
}

/** True unless net stages came to more than what they are part of, or did not close against what nobody watched. */
export function timesHold(run: Run): boolean {
  return (
    run.cases.every(({ timeCheck }) => timeCheck?.passed !== false) &&
    (run.truth?.rows ?? []).every(({ closes }) => closes !== false)
  );
}

/** True when the run is whole, its times hold, and nobody else's probes were on a frame's way: they slow every frame. */
export function isSound(run: Run): boolean {
  return isWhole(run) && timesHold(run) && (run.environment.foreignProbes ?? []).length === 0;
}
