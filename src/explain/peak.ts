/** The most within one second of what was counted step by step. */

export interface Counts {
  frames: number;
  copies: number;
}

/** Sums, and the most within any second of each. */
export interface Peak extends Counts {
  framesPerSecond: number;
  copiesPerSecond: number;
}

interface Counted extends Counts {
  /** `endMs` is the end of a step; those in which nothing came are left out. */
  steps: readonly (Counts & { endMs: number })[];
}

const WINDOW_MS = 1000;
/** How long a step is at most taken to be: without the one before it, its beginning is not known. */
const STEP_MS = 250;

/** Of several together. */
export function peakOf(counted: readonly Counted[]): Peak {
  const steps = grouped(
    counted.flatMap((one) => one.steps),
    ({ endMs }) => String(endMs),
  )
    .map((same) => ({
      endMs: same[0]?.endMs ?? 0,
      frames: sum(same, ({ frames }) => frames),
      copies: sum(same, ({ copies }) => copies),
    }))
    .sort((a, b) => a.endMs - b.endMs);
  return {
    frames: sum(counted, ({ frames }) => frames),
    copies: sum(counted, ({ copies }) => copies),
    framesPerSecond: most(steps, ({ frames }) => frames),
    copiesPerSecond: most(steps, ({ copies }) => copies),
  };
}

/** Over windows that end where a step does; of a step that a window cuts, the part that lies in it. */
function most<T extends { endMs: number }>(steps: readonly T[], of: (step: T) => number): number {
  let [best, from, within] = [0, 0, 0];
  for (const step of steps) {
    within += of(step);
    const begin = step.endMs - WINDOW_MS;
    let oldest = steps[from];
    while (oldest !== undefined && oldest.endMs <= begin) {
      within -= of(oldest);
      from += 1;
      oldest = steps[from];
    }
    if (oldest === undefined) continue;
    const began = Math.max(steps[from - 1]?.endMs ?? 0, oldest.endMs - STEP_MS);
    const outside = Math.max(0, begin - began) / Math.max(1, oldest.endMs - began);
    best = Math.max(best, within - of(oldest) * outside);
  }
  return best;
}

/** Map.groupBy, which Node 20 does not have. */
export function grouped<T>(items: readonly T[], key: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

export function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((all, item) => all + of(item), 0);
}
