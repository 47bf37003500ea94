import type { TimeProbe } from "../../document/event.ts";
import { CutOff, doing, type Schedule } from "../engine/schedule.ts";
import { missedBurst } from "../fold/faults.ts";
import { isTimed, minimumRoundNs, type PlannedCase, SLOT } from "../plan/plan.ts";
import { timeProbes } from "../plan/time-probes.ts";

/** Attempts at a case whose account is not whole before it is reported as it is. */
const ATTEMPTS = 3;
/** Frames pass a program for so long before it times: the first ones find its code and its maps cold. */
const SETTLE_NS = 20e6;

/**
 * One case by the wall clock. Rounds `off`, with nothing of ours attached, give every metric; they come before, between
 * and after the others, so that these have something near them to be held against. Rounds `count` give complete counts;
 * counts that missed a burst of frames are taken again, in a lab of their own. Rounds `time` have the two ends of a stage
 * attached and nothing else, in sessions, each of which attaches anew. Without a backend there are rounds `off` only.
 * Cut off, it goes on in a new lab with what was not finished.
 */
export function* caseRounds(
  planned: PlannedCase,
  { watched, timed }: { watched: boolean; timed: boolean },
): Schedule {
  const sessions = watched && timed && isTimed(planned) ? planned.latencySessions : 0;
  const steps = stepsOf(planned, watched, sessions);
  for (let done = 0; done < steps.length; ) {
    try {
      yield* stand(planned);
      for (; done < steps.length; done++) yield* steps[done]?.() ?? [];
    } catch (error) {
      if (!(error instanceof CutOff)) throw error;
    }
  }
}

type StepOfCase = () => Schedule;

function* stand(planned: PlannedCase): Schedule {
  const lab = SLOT;
  yield* doing({ act: "build", lab, topology: planned.topology, say: "building the lab" });
  yield* doing({ act: "prepare", lab, driver: SLOT, planned });
  yield* doing({
    ...{ act: "warm-up", driver: SLOT, durationNs: planned.warmUpNs },
    say: "warming up",
  });
}

/** The case's rounds in their order, each step so small that nothing of it is worth keeping by half. */
function stepsOf(planned: PlannedCase, watched: boolean, sessions: number): StepOfCase[] {
  const { rounds } = planned;
  const off = Array.from({ length: rounds }, (_, index) => offRound(planned, index + 1, watched));
  if (!watched) return off;
  // What is measured with probes lies in the gaps between rounds without.
  const between: StepOfCase[][] = [
    [counts(planned)],
    ...Array.from({ length: sessions }, (_, index) =>
      timeProbes(planned).map((probe) => timeRound(planned, probe, index + 1)),
    ),
  ];
  const gapAfter = (index: number) => Math.ceil(((index + 1) * rounds) / (between.length + 1));
  const steps: StepOfCase[] = [];
  let next = 0;
  between.forEach((part, index) => {
    for (; next < Math.min(rounds - 1, gapAfter(index)); next++)
      steps.push(...off.slice(next, next + 1));
    steps.push(...part);
  });
  return [...steps, ...off.slice(next)];
}

function offRound(planned: PlannedCase, index: number, watched: boolean): StepOfCase {
  const without = watched ? ", without probes" : "";
  return function* () {
    yield* doing({
      ...{ act: "measure", drivers: [{ driver: SLOT, side: "off" }] },
      durationNs: planned.durationNs,
      say: `round ${index} of ${planned.rounds}${without}`,
    });
  };
}

/** Rounds under the counting probes, and one for what these cost, until the counts are whole. */
function counts(planned: PlannedCase): StepOfCase {
  let attempt = 1;
  return function* () {
    for (;;) {
      yield* doing({ act: "attach", lab: SLOT, planned, say: "attaching the probes" });
      const fault = yield* countRounds(planned);
      if (fault === null || attempt >= ATTEMPTS) return;
      yield* doing({ act: "close" });
      yield* doing({ act: "discard", attempt, reason: fault });
      attempt++;
      yield* stand(planned);
    }
  };
}

/** Gives why the counts are worth nothing, or null. */
function* countRounds(planned: PlannedCase): Schedule<string | null> {
  const read = () => doing({ act: "read", lab: SLOT, say: "reading the probes" });
  try {
    for (let index = 1; index <= planned.rounds; index++) {
      yield* doing({
        ...{ act: "measure", drivers: [{ driver: SLOT, side: "count" }] },
        durationNs: planned.durationNs,
        say: `round ${index} of ${planned.rounds}, counting`,
      });
    }
    yield* doing({
      ...{ act: "cost", driver: SLOT, durationNs: planned.durationNs },
      say: "measuring what the probes cost",
    });
  } catch (error) {
    // Rounds that were finished keep their counts, unless the probes went with their process.
    if (!(error instanceof CutOff)) yield* read();
    throw error;
  }
  return missedBurst((yield* read()).counted);
}

/** More frames tell no more of a session: what varies is how its code lies. */
const TIME_NS = 150e6;

function timeRound(planned: PlannedCase, probe: TimeProbe, session: number): StepOfCase {
  const say = `timing, session ${session} of ${planned.latencySessions}`;
  const durationNs = Math.min(TIME_NS, planned.durationNs);
  return () => timeSession(planned, probe, { lab: SLOT, driver: SLOT, durationNs, say });
}

/** Where a program times, for how long, and what is kept of its round. */
export interface TimedWhere {
  lab: string;
  driver: string;
  durationNs: number;
  keep?: "metrics";
  say?: string;
}

/** One session of one program that times: attached, one round, read. */
export function* timeSession(
  planned: PlannedCase,
  probe: TimeProbe,
  { lab, driver, durationNs, keep, say }: TimedWhere,
): Schedule {
  const atLeast = (ns: number) => Math.max(ns, minimumRoundNs(planned));
  yield* doing({ act: "attach-time", lab, probe, planned, ...(say === undefined ? {} : { say }) });
  yield* doing({ act: "warm-up", driver, durationNs: atLeast(SETTLE_NS) });
  yield* doing({
    ...{ act: "measure", drivers: [{ driver, side: "time" }], probe, mark: 1 },
    ...(keep === undefined ? {} : { keep }),
    durationNs: atLeast(durationNs),
  });
  yield* doing({ act: "read-time", lab, probe, planned });
}
