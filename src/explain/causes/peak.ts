/** The most within one second of what was counted step by step. */

import type { Finding } from "../../document/explain.ts";
import { WHOLE } from "../../live/collect.ts";
import { groupBy } from "../../text/group-by.ts";

export interface Counts {
  frames: number;
  copies: number;
}

/** Sums, and the most within any second of each. */
export interface Peak extends Counts {
  framesPerSecond: number;
  copiesPerSecond: number;
  /** As many within a second as there were for sure: less than these where they are estimates. */
  sure: Counts;
}

interface Counted extends Counts {
  /** `endMs` is the end of a step; those in which nothing came are left out. */
  steps: readonly (Counts & { endMs: number })[];
}

/** Copies a second from which on a flood is more than low. */
const MEDIUM = 1_000;
const HIGH = 10_000;

export function severityOf(copiesPerSecond: number): Finding["severity"] {
  if (copiesPerSecond >= HIGH) return "high";
  return copiesPerSecond >= MEDIUM ? "medium" : "low";
}

const WINDOW_MS = 1000;
/** How long a step is at most taken to be: without the one before it, its beginning is not known. */
const STEP_MS = 250;

/**
 * Of several together. Where frames were counted for a part p of the time, a second's are an estimate k / p that rests on
 * k frames that were counted; its standard deviation is that of a binomial's, the root of k (1 - p), over p. For sure
 * there were as many less two of these.
 */
export function peakOf(
  counted: readonly Counted[],
  time: { seconds: number; counted: number },
): Peak {
  const steps = grouped(counted.flatMap(stepsOf), ({ endMs }) => String(endMs))
    .map((same) => ({
      endMs: same[0]?.endMs ?? 0,
      frames: sum(same, ({ frames }) => frames),
      copies: sum(same, ({ copies }) => copies),
    }))
    .sort((a, b) => a.endMs - b.endMs);
  const frames = sum(counted, (one) => one.frames);
  const copies = sum(counted, (one) => one.copies);
  const most = {
    frames: within(steps, (one) => one.frames),
    copies: within(steps, (one) => one.copies),
  };
  // What came in less than a second came within one.
  const seconds = Math.max(1, time.seconds);
  const [mean, peak] = [sureShare(frames, time) / seconds, sureShare(most.frames, time)];
  return {
    ...{ frames, copies },
    framesPerSecond: Math.max(frames / seconds, most.frames),
    copiesPerSecond: Math.max(copies / seconds, most.copies),
    sure: {
      frames: Math.max(frames * mean, most.frames * peak),
      copies: Math.max(copies * mean, most.copies * peak),
    },
  };
}

/** As many as there were for sure, of so many in all; see peakOf. */
export function sureOf(some: number, time: { seconds: number; counted: number }): number {
  return some * sureShare(some, time);
}

function sureShare(some: number, time: { seconds: number; counted: number }): number {
  const part = time.counted / Math.max(time.seconds, 1e-3);
  return part < WHOLE ? Math.max(0, 1 - 2 * Math.sqrt((1 - part) / Math.max(1, some * part))) : 1;
}

/** Each step is scaled on its own: together they are no more than there were in all. */
function stepsOf({ steps, frames, copies }: Counted): Counted["steps"] {
  const share = (all: number, some: number) => (some > all ? all / some : 1);
  const [ofFrames, ofCopies] = [
    share(
      frames,
      sum(steps, (step) => step.frames),
    ),
    share(
      copies,
      sum(steps, (step) => step.copies),
    ),
  ];
  return steps.map((step) => ({
    endMs: step.endMs,
    frames: step.frames * ofFrames,
    copies: step.copies * ofCopies,
  }));
}

/** Over windows that end where a step does; of a step that a window cuts, the part that lies in it. */
function within<T extends { endMs: number }>(steps: readonly T[], of: (step: T) => number): number {
  let [best, from, all] = [0, 0, 0];
  for (const step of steps) {
    all += of(step);
    const begin = step.endMs - WINDOW_MS;
    let oldest = steps[from];
    while (oldest !== undefined && oldest.endMs <= begin) {
      all -= of(oldest);
      from += 1;
      oldest = steps[from];
    }
    if (oldest === undefined) continue;
    const began = Math.max(steps[from - 1]?.endMs ?? 0, oldest.endMs - STEP_MS);
    const outside = Math.max(0, begin - began) / Math.max(1, oldest.endMs - began);
    best = Math.max(best, all - of(oldest) * outside);
  }
  return best;
}

export function grouped<T>(items: readonly T[], key: (item: T) => string): T[][] {
  return [...groupBy(items, key).values()];
}

export function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((all, item) => all + of(item), 0);
}
