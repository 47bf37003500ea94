import type { EventOf, RunEvent } from "../../document/event.ts";
import { BridgescopeError, ToolError, UsageError } from "../../system/errors.ts";
import { type Action, ActionFailed, CutOff, Interrupted, type Schedule } from "./schedule.ts";

type Body<Event> = Event extends RunEvent ? Omit<Event, "at"> : never;
/** An event before its moment is known. */
export type EventBody = Body<RunEvent>;

export interface Performance {
  /** What happened in earlier processes, ending with a `resume` for this one; empty for a run that begins. */
  earlier: readonly RunEvent[];
  act(action: Action): Promise<EventBody>;
  /** Told before an action is begun. */
  before?(action: Action): void;
  /** Told each event in order; `record` is true for what a run that goes on has to know. */
  enter(event: RunEvent, record: boolean): void;
  signal: AbortSignal;
  /** Nanoseconds of the run, those of earlier processes included. */
  now(): number;
}

/** Actions that an interrupted schedule may still ask for. */
const CLOSES = new Set<Action["act"]>(["read", "read-time", "detach", "close", "session", "end"]);

/**
 * Does what a schedule says until it ends, and gives its result; null where the run was interrupted. Earlier events
 * stand in the place of their actions, and a schedule whose labs went with an earlier process is told by a CutOff.
 * Throws a UsageError for earlier events that are not of this schedule, and for a failed action that the schedule
 * does not catch what the action threw.
 */
export async function perform<Result>(
  schedule: Schedule<Result>,
  { earlier, act, before, enter, signal, now }: Performance,
): Promise<Result | null> {
  const known = [...earlier];
  let interrupted = false;
  /** Labs, and the probes of a stage: what goes with its process. */
  const standing = new Set<string>();

  const told = <Event extends RunEvent>(event: Event, record: boolean): Event => {
    if (event.act === "build") standing.add(`lab ${event.lab}`);
    if (event.act === "attach-stage") standing.add(`stage ${event.stage}`);
    if (event.act === "close") {
      if (event.lab === undefined) standing.clear();
      else standing.delete(`lab ${event.lab}`);
    }
    enter(event, record && !interrupted);
    return event;
  };

  /** The event of an action, or null where an interruption ended it. */
  const doOne = async (action: Action, alone: boolean): Promise<RunEvent | null> => {
    before?.(action);
    let body: EventBody;
    try {
      body = await act(action);
    } catch (error) {
      if (signal.aborted && !interrupted) return null;
      const event = { ...failureOf(error), at: now() };
      causes.set(event, error);
      // One of several that failed is worth another try when the run goes on.
      return told(event, alone);
    }
    return told({ ...body, at: now() }, true);
  };

  let step = schedule.next([]);
  try {
    while (step.done !== true) {
      const actions = [step.value].flat();
      // Of several that go on side by side, one that fails is an event like the others'.
      const alone = !Array.isArray(step.value);
      const { answers, cutOff } = takeKnown(known, actions, standing, told);
      if (cutOff) {
        standing.clear();
        step = schedule.throw(new CutOff());
        continue;
      }
      for (const [index, action] of actions.entries()) {
        if (answers[index] !== undefined) continue;
        if (signal.aborted && !(interrupted && CLOSES.has(action.act))) answers[index] = null;
      }
      const done = await Promise.all(
        actions.map((action, index) =>
          answers[index] === undefined ? doOne(action, alone) : answers[index],
        ),
      );
      const events = done.filter((event) => event !== null);
      const [only] = events;
      if (events.length < done.length) {
        interrupted = true;
        step = schedule.throw(new Interrupted());
      } else if (alone && only?.act === "fail") {
        step = schedule.throw(new ActionFailed(only, causes.get(only)));
      } else {
        step = schedule.next(events);
      }
    }
    return step.value;
  } catch (error) {
    if (error instanceof Interrupted) return null;
    throw error instanceof ActionFailed ? (error.cause ?? error) : error;
  }
}

/** What live actions threw. */
const causes = new WeakMap<RunEvent, unknown>();

/** The earlier events that answer these actions; `cutOff` where the labs that they take went with their process. */
function takeKnown(
  known: RunEvent[],
  actions: readonly Action[],
  standing: ReadonlySet<string>,
  told: (event: RunEvent, record: boolean) => RunEvent,
): { answers: (RunEvent | null | undefined)[]; cutOff: boolean } {
  const answers: (RunEvent | null | undefined)[] = actions.map(() => undefined);
  while (answers.includes(undefined)) {
    const event = known.shift();
    if (event === undefined) break;
    if (event.act === "resume") {
      told(event, false);
      if (standing.size > 0) return { answers, cutOff: true };
      continue;
    }
    const index = actions.findIndex(
      (action, place) => answers[place] === undefined && isAnswer(event, action),
    );
    if (index < 0) {
      const asked = actions.map((action) => action.act).join(", ");
      throw new UsageError(
        `the journal is not of this plan: it has ${event.act} where the plan has ${asked}`,
      );
    }
    answers[index] = told(event, false);
  }
  return { answers, cutOff: false };
}

function isAnswer(event: RunEvent, action: Action): boolean {
  if (event.act === "fail") return true;
  if (event.act === "boot" && action.act === "boot") {
    return event.kernel === action.kernel && event.boot === action.boot;
  }
  return event.act === action.act;
}

function failureOf(error: unknown): Omit<EventOf<"fail">, "at"> {
  return {
    act: "fail",
    error: sentence(error),
    tool: error instanceof ToolError ? error.tool : null,
    exitCode: error instanceof BridgescopeError ? error.exitCode : 1,
  };
}

/** The clock of a run, which goes on where its earlier events end. */
export function runClock(earlier: readonly RunEvent[]): () => number {
  const began = process.hrtime.bigint() - BigInt(Math.round(earlier.at(-1)?.at ?? 0));
  return () => Number(process.hrtime.bigint() - began);
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
