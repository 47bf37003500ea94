/** How much the probes may do, so that over a second they take no more than a share of one CPU. */

export interface Pace {
  /** One frame in 2^shift is timed. */
  shift: number;
  /** CPU milliseconds that the probes took beyond the limit and that have not been rested off. */
  debtMs: number;
}

/** A time of counting. */
export interface Counted {
  ms: number;
  /** Of one CPU, that the probes took meanwhile. */
  share: number;
}

/** One frame in 64 says as much about p99 on a busy bridge as all of them do. */
const SAMPLED = 6;
/** Of the limit: what a load that grows meanwhile needs. */
const HEADROOM = 0.9;
/** Counting goes on until it has taken this much more than it may: as much as is rested off in a quarter of a second. */
const MOST_DEBT_MS = 250;

/** Nothing is known yet of what counting costs: it begins sampled, and opens up. */
export const FIRST_PACE: Pace = { shift: SAMPLED, debtMs: 0 };

/** The pace after counting for a while, and whether the probes have to rest now; `limit` is a share of one CPU. */
export function afterCounting(
  pace: Pace,
  { ms, share }: Counted,
  limit: number,
): { pace: Pace; rest: boolean } {
  const debtMs = Math.max(0, pace.debtMs + (share - limit * HEADROOM) * ms);
  const rest = debtMs > limit * HEADROOM * MOST_DEBT_MS;
  return { pace: { shift: nextShift(pace.shift, share, limit), debtMs }, rest };
}

/** Timing all frames takes more: first fewer are timed. */
function nextShift(shift: number, share: number, limit: number): number {
  if (share > limit / 2) return SAMPLED;
  return share < limit / 8 ? 0 : shift;
}

export function afterResting(pace: Pace, ms: number, limit: number): Pace {
  return { ...pace, debtMs: Math.max(0, pace.debtMs - limit * HEADROOM * ms) };
}

/** Milliseconds until the probes may count again. */
export function restMs({ debtMs }: Pace, limit: number): number {
  return debtMs / (limit * HEADROOM);
}

/** Probes that were detached because the machine drops frames come back when the load is this share of what it was. */
export const BACK_AT = 0.25;

/** Why the probes are detached until the load has gone down; null where they may stay. `rose` is of softnet, since the look before. */
export function tooMuchFor(rose: number, share: number, limit: number): string | null {
  // What drops without them does so with them.
  if (rose <= 0 || share <= limit / 2) return null;
  return `the machine drops frames (${rose} in softnet), so the probes were detached; they come back when the load is a quarter of this`;
}

/** Keeps the time in which frames are counted: from one time to the next all of it where the probes never rested meanwhile. */
export interface CountedTime {
  /** A time of counting ends, of which frames were counted for `counted` seconds. */
  ended(nowMs: number, phase: { counted: number; whole: boolean }): void;
  /** The probes are gone: they counted until then if they were counting. */
  stopped(nowMs: number): void;
  seconds(): number;
}

export function countedTime(startedMs: number): CountedTime {
  let [seconds, since, counting] = [0, startedMs, true];
  const pass = (nowMs: number) => {
    const passed = (nowMs - since) / 1000;
    since = nowMs;
    return passed;
  };
  return {
    ended: (nowMs, { counted, whole }) => {
      // What is done between two times (maps are read, findings told) takes nothing off: the probes stay where they are.
      const passed = pass(nowMs);
      seconds += whole ? passed : counted;
      counting = whole;
    },
    stopped: (nowMs) => {
      const passed = pass(nowMs);
      if (counting) seconds += passed;
      counting = false;
    },
    seconds: () => seconds,
  };
}

/** Null where frames were counted all the time. */
export function partNote(part: number, limit: number): string | null {
  if (part >= 1) return null;
  return `frames were counted for ${percent(part)} of the time, so that the probes take no more than the ${percent(limit)} of a CPU that --max-overhead allows; the interface counters are complete`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
