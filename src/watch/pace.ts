/** How much the probes may do, so that they stay below a share of one CPU. */

export interface Pace {
  /** One passage in 2^shift is timed. */
  shift: number;
  /** Share of the time in which frames are counted. */
  part: number;
}

/** Shares of one CPU. */
export interface Cost {
  /** While frames are counted. */
  counting: number;
  /** While the probes are attached and rest; null where that was not measured. */
  resting: number | null;
}

/** What is known after a moment of counting. */
export interface Look extends Cost {
  /** Why the probes ended by themselves; null while they have not. */
  died: string | null;
  /** Frames that softnet has dropped since the look before. */
  softnetRose: number;
}

export const FULL_PACE: Pace = { shift: 0, part: 1 };

/** One passage in 64 says as much about p99 on a busy bridge as all of them do. */
const SAMPLED = 6;
/** Counting for less than this says little about the rest of the time. */
const LEAST_PART = 0.05;
/** Of the limit: what a load that grows meanwhile needs. */
const HEADROOM = 0.9;

/** What timing all passages may take of the whole. */
const TIMING = 2;

/** Detached probes come back when the load is this share of what it was. */
export const BACK_AT = 0.25;
const BACK = "they come back when the load is a quarter of this";

/** The pace from now on, or in a sentence why the probes cannot stay; `limit` is a share of one CPU. */
export function judgeLook(
  pace: Pace,
  look: Look,
  limit: number,
): { pace: Pace } | { detach: string } {
  const { died, softnetRose, counting } = look;
  if (died !== null) return { detach: `the probes ended by themselves: ${died}` };
  if (softnetRose > 0 && counting > limit / 2) {
    const drops = `the machine drops frames (${softnetRose} in softnet)`;
    return { detach: `${drops}, so the probes were detached; ${BACK}` };
  }
  const next = nextPace(pace, look, limit);
  if (next !== "detach") return { pace: next };
  const much = `more than the ${percent(limit)} of a CPU that --max-overhead allows`;
  return {
    detach: `the probes would take ${much} (${percent(counting)} while they count), and were detached; ${BACK}`,
  };
}

/**
 * First fewer passages are timed, then frames are counted for a part of the time only; `detach` where even the
 * resting probes would cost more than `limit`, a share of one CPU.
 */
export function nextPace(pace: Pace, cost: Cost, limit: number): Pace | "detach" {
  const { counting } = cost;
  const resting = cost.resting ?? 0;
  if (pace.shift === 0 && counting > limit / 2 && counting <= limit * TIMING) {
    return { ...pace, shift: SAMPLED };
  }
  if (counting <= limit) return { shift: counting < limit / 8 ? 0 : pace.shift, part: 1 };
  const part = (limit * HEADROOM - resting) / (counting - resting);
  return part < LEAST_PART ? "detach" : { shift: SAMPLED, part: Math.min(1, part) };
}

/** Of one CPU, over a time of which `part` was counted. */
export function shareOf({ counting, resting }: Cost, part: number): number {
  return counting * part + (resting ?? 0) * (1 - part);
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
