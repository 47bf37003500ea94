/** A runner that touches nothing: what each action becomes is said by the test, and so is the time it takes. */

import { type EventBody, perform } from "../../../src/bench/engine/perform.ts";
import type { Action, Schedule } from "../../../src/bench/engine/schedule.ts";
import {
  type Counted,
  eventSchema,
  type MeasuredRound,
  type Reading,
  type RunEvent,
  type Timed,
  type TimeProbe,
} from "../../../src/document/event.ts";
import { type ForeignProbe, foreignKey } from "../../../src/document/foreign.ts";

const READING: Reading = {
  ...{
    cpu: null,
    softnetDrops: null,
    squeezed: null,
    involuntarySwitches: 0,
    pressureUs: null,
    atNs: 0,
  },
};

export const COUNTED: Counted = {
  ...{ ports: [], warnings: [] },
  probe: {
    ...{ backend: "tracepoint", reason: "asked for", events: 0, lost: 0, missed: 0, degraded: [] },
    ...{ emptyNs: null, programs: [], slowdown: null, notObservable: [] },
  },
};

export interface Fake {
  /** Metrics of a round of that driver. */
  metrics?(driver: string, side: string): MeasuredRound["measured"]["metrics"];
  /** Other people's probes that are there at one more reading; nobody looks when absent. */
  foreign?(): readonly ForeignProbe[];
  /** Instead of what the action becomes by itself; may throw. */
  act?(action: Action): EventBody | undefined;
  /** Nanoseconds that an action takes; 1 ms when absent. */
  takes?(action: Action): number;
}

export class FakeRunner {
  readonly actions: Action[] = [];
  /** What a journal would hold. */
  readonly recorded: RunEvent[] = [];
  readonly entered: RunEvent[] = [];
  readonly controller = new AbortController();
  #now = 0;
  readonly #fake: Fake;

  constructor(fake: Fake = {}) {
    this.#fake = fake;
  }

  get did(): string[] {
    return this.actions.map(({ act }) => act);
  }

  /** Performs a schedule, after `earlier`; a process that is killed does no more than `dies` actions. */
  async run<Result>(
    schedule: Schedule<Result>,
    earlier: readonly RunEvent[] = [],
    dies = Number.POSITIVE_INFINITY,
  ): Promise<Result | null> {
    this.#now = earlier.at(-1)?.at ?? 0;
    const death = new Promise<never>(() => {});
    return perform(schedule, {
      earlier,
      act: async (action) => {
        if (this.actions.length >= dies) {
          this.died();
          return death;
        }
        this.actions.push(action);
        this.#now += this.#fake.takes?.(action) ?? 1e6;
        return this.#fake.act?.(action) ?? eventOf(action, this.#fake, this.#now);
      },
      enter: (event, record) => {
        this.entered.push(event);
        // As a journal gives it back.
        if (record) this.recorded.push(eventSchema.parse(JSON.parse(JSON.stringify(event))));
      },
      signal: this.controller.signal,
      now: () => this.#now,
    });
  }

  died: () => void = () => {};

  /** The same, for as many actions as a process lives; gives what its journal holds then. */
  async cut(
    schedule: Schedule<unknown>,
    earlier: readonly RunEvent[],
    actions: number,
  ): Promise<RunEvent[]> {
    const dead = new Promise<void>((resolve) => {
      this.died = resolve;
    });
    await Promise.race([this.run(schedule, earlier, actions), dead]);
    return [...earlier, ...this.recorded];
  }
}

export function resumed(events: readonly RunEvent[]): RunEvent[] {
  return [...events, { act: "resume", at: events.at(-1)?.at ?? 0, time: "2026-01-01T00:00:00Z" }];
}

/** Cuts the schedule off after each number of actions and lets it end; tells what that came to. */
export async function cutEverywhere(
  schedule: () => Schedule,
  fake: () => Fake,
  check: (events: RunEvent[], stop: number) => void,
) {
  const whole = new FakeRunner(fake());
  await whole.run(schedule());
  for (let stop = 0; stop < whole.did.length; stop++) {
    const cut = await new FakeRunner(fake()).cut(schedule(), [], stop);
    const rest = new FakeRunner(fake());
    await rest.run(schedule(), resumed(cut));
    check([...resumed(cut), ...rest.recorded], stop);
  }
}

/** A stage of 300 ns under ends that take 100. */
const timed = (stage: Timed["samples"][number]["stage"], ns: number): Timed["samples"][number] => ({
  ...{ stage, port: 0, buckets: [[ns - 4, ns + 4, 100]] },
});

const SAMPLES: Record<TimeProbe, Timed["samples"]> = {
  bridge: [timed("bridge.forward", 400), timed("veth.out", 300)],
  sender: [timed("veth.in", 250), timed("path", 1000)],
  learn: [timed("bridge.learn", 350)],
  empty: [timed("observer", 100)],
};

function eventOf(action: Action, fake: Fake, now: number): EventBody {
  switch (action.act) {
    case "check":
      return { act: "check", checks: [] };
    case "build":
      return {
        ...{ act: "build", lab: action.lab, setupNs: 1000, warnings: [] },
        read: { topology: action.topology.label, bridge: null, ports: [] },
      };
    case "prepare":
      return {
        ...{ act: "prepare", driver: action.driver, placement: [] },
        workload: { name: action.planned.workload.name },
      };
    case "measure": {
      const seen = new Set<ForeignProbe>();
      const reading = (): Reading => {
        const there = fake.foreign?.();
        if (there === undefined) return READING;
        for (const one of there) seen.add(one);
        return { ...READING, foreign: there.map(foreignKey).toSorted() };
      };
      return {
        act: "measure",
        rounds: action.drivers.map(({ driver, side }) => ({
          ...{ driver, side, startNs: now, durationNs: action.durationNs },
          ...(action.probe === undefined ? {} : { stage: action.probe }),
          ...{ before: reading(), after: reading() },
          measured: {
            metrics:
              action.keep === "nothing"
                ? {}
                : (fake.metrics?.(driver, side) ?? { ns_per_frame: 100 }),
            cpu: null,
          },
        })),
        ...(action.measurement === undefined ? {} : { measurement: action.measurement }),
        ...(action.block === undefined ? {} : { block: action.block }),
        ...(fake.foreign === undefined ? {} : { foreign: [...seen] }),
      };
    }
    case "read":
      return { act: "read", counted: COUNTED };
    case "attach-time":
      return { act: "attach-time", probe: action.probe };
    case "read-time":
      return {
        act: "read-time",
        timed: { probe: action.probe, faults: [], samples: SAMPLES[action.probe] },
      };
    case "read-stage":
      return {
        act: "read-stage",
        counts: {
          ...{ stage: action.stage, from: "a", to: "b", lost: 0, degraded: [], reason: null },
          observer: { pair: "a to b", value: 10, n: 1, of: 1 },
          perRound: action.rounds.map((round) => ({ round, value: 5, n: 1, of: 1 })),
          buckets: [[15, 16, action.rounds.length]],
        },
      };
    case "close":
      return {
        act: "close",
        ...(action.lab === undefined ? {} : { lab: action.lab }),
        warnings: [],
      };
    case "boot":
      throw new RangeError("a test that boots says what a boot is");
    default: {
      const { say: _, ...mark } = action;
      return mark as EventBody;
    }
  }
}
