/**
 * Schedules decide and a runner acts. A schedule is a generator of actions; each yield gives back the event that the
 * action became. It knows nothing but events, so the same events lead it to the same decisions: that is how a run
 * that was cut off goes on.
 */
import type { EventOf, MeasuredRound, RunEvent, TimeProbe } from "../../document/event.ts";
import type { CountedStage } from "../../probes/counted.ts";
import type { Topology } from "../../setup/spec.ts";
import type { PlannedCase } from "../plan/plan.ts";

export type Side = MeasuredRound["side"];

/** What a schedule can ask for. `say` is a word on it for whoever watches. */
export type Action = { say?: string } & (
  | { act: "check" }
  /** From here to `end` everything is of this case. */
  | { act: "begin"; id: string }
  | { act: "end" }
  /** Builds a lab under that name; holds what the kernel built against what was asked for. */
  | { act: "build"; lab: string; topology: Topology }
  /** Attaches the counting probes to a lab at rest. */
  | { act: "attach"; lab: string; planned: PlannedCase }
  /** Sets a workload up in a lab, under a name of its own. */
  | { act: "prepare"; lab: string; driver: string; planned: PlannedCase }
  | { act: "warm-up"; driver: string; durationNs: number }
  /** A round of each driver, one right after the other; one event, so never part of it. */
  | {
      act: "measure";
      drivers: readonly { driver: string; side: Side }[];
      durationNs: number;
      /** Tells the probes that time which round it is. */
      mark?: number;
      /** The program that times, in a round `time`. */
      probe?: TimeProbe;
      /**
       * All that the workload found when absent; of many short rounds only the `metrics`; `instructions` of most
       * trains, where the clock counts them; `nothing` where the probes' counts are all.
       */
      keep?: "metrics" | "instructions" | "nothing";
      measurement?: number;
      block?: number;
    }
  /** A round under the kernel's BPF statistics, which say what each probe costs. */
  | { act: "cost"; driver: string; durationNs: number }
  /** Detaches at rest and reads what was counted. */
  | { act: "read"; lab: string }
  /** Attaches a program that times, and nothing else. */
  | { act: "attach-time"; lab: string; probe: TimeProbe; planned: PlannedCase }
  | { act: "read-time"; lab: string; probe: TimeProbe; planned: PlannedCase }
  /** Detaches and throws the counts away. */
  | { act: "detach"; lab: string }
  /** Attaches the two probes of one stage, and the same two around an empty path. */
  | { act: "attach-stage"; stage: CountedStage; inChain: boolean }
  | { act: "read-stage"; stage: CountedStage; rounds: readonly number[] }
  /** Takes down that lab and its workloads, or all that stands. */
  | { act: "close"; lab?: string }
  /** The rounds of this attempt at the case do not count. */
  | { act: "discard"; attempt: number; reason: string }
  /** That case, one of several measured together, cannot be built here. */
  | { act: "refuse"; id: string; reason: string }
  /** What was measured cannot be used: fails like an action that could not be done. */
  | { act: "fail"; error: string; tool: null; exitCode: number }
  /** How the pairs of one measurement were scheduled. */
  | { act: "session"; session: EventOf<"session">["session"] }
  /** Boots a guest and runs the plan in it. */
  | { act: "boot"; kernel: number; boot: number }
);

/** Several actions at once are those that may go on side by side; their events come back in the same order. */
export type Schedule<Result = void> = Generator<Action | readonly Action[], Result, RunEvent[]>;

/** Does one thing; gives its event. */
export function* doing<Act extends RunEvent["act"] & Action["act"]>(
  action: Extract<Action, { act: Act }>,
): Schedule<EventOf<Act>> {
  const [event] = yield action;
  if (event?.act !== action.act) throw new RangeError(`${action.act} became ${event?.act}`);
  return event as EventOf<Act>;
}

/** Takes down all that stands; what went with its process is down already. */
export function* takeDown(): Schedule {
  try {
    yield* doing({ act: "close" });
  } catch (error) {
    if (!(error instanceof CutOff)) throw error;
  }
}

/** Thrown into a schedule whose process ended: what stood is gone, what was measured is not. */
export class CutOff extends Error {
  constructor() {
    super("the process ended here");
    this.name = "CutOff";
  }
}

/** Thrown into a schedule when the user ends the run. */
export class Interrupted extends Error {
  constructor() {
    super("the run was interrupted");
    this.name = "Interrupted";
  }
}

/** What PrerequisiteErrors end with. */
const PREREQUISITE = 4;

/** Whether an action failed because this kernel or machine lacks what it takes. */
export function lacksPrerequisite(error: unknown): error is ActionFailed {
  return error instanceof ActionFailed && error.event.exitCode === PREREQUISITE;
}

/** Thrown into a schedule for an action that failed. */
export class ActionFailed extends Error {
  readonly event: EventOf<"fail">;
  constructor(event: EventOf<"fail">, cause?: unknown) {
    super(event.error, { cause });
    this.name = "ActionFailed";
    this.event = event;
  }
}
