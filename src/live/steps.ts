/** What came of each flow step by step: a rate over a sliding window, and a burst, are read from it. */

export interface FlowStep {
  /** Its end, in milliseconds since the first began. */
  endMs: number;
  frames: number;
  /** By ports; none of the host's own. */
  copies: number;
}

/** What a program has counted of a flow so far. */
export interface FlowCount {
  frames: number;
  copies: number;
}

export interface Steps {
  /**
   * Ends a step with what was counted until then. `factor` scales what came since the step before, as where only a part of
   * the time was counted. `span` is how many steps it stands for: in those before it nothing was counted, so what came is
   * spread evenly.
   */
  end(
    endMs: number,
    counts: ReadonlyMap<string, FlowCount>,
    factor: (flow: string) => number,
    span?: number,
  ): void;
  /** In the order of time, without those in which nothing came. */
  of(flow: string): FlowStep[];
}

/** Of all flows together: beyond, the older half of the time is forgotten. */
const MOST_STEPS = 1_000_000;

export function createSteps(most = MOST_STEPS): Steps {
  const steps = new Map<string, FlowStep[]>();
  let before: ReadonlyMap<string, FlowCount> = new Map();
  let [kept, last, oldest] = [0, 0, 0];
  const forget = (untilMs: number) => {
    kept = 0;
    for (const [flow, all] of steps) {
      const rest = all.filter(({ endMs }) => endMs > untilMs);
      if (rest.length === 0) steps.delete(flow);
      else steps.set(flow, rest);
      kept += rest.length;
    }
    oldest = untilMs;
  };
  return {
    end: (endMs, counts, factor, span = 1) => {
      for (const [flow, { frames, copies }] of counts) {
        const known = before.get(flow) ?? { frames: 0, copies: 0 };
        const by = factor(flow);
        const more = {
          frames: Math.round((frames - known.frames) * by),
          copies: Math.round((copies - known.copies) * by),
        };
        if (more.frames <= 0 && more.copies <= 0) continue;
        const spread = spreadOver(span, { endMs: last, ...more }, endMs);
        const all = steps.get(flow);
        if (all === undefined) steps.set(flow, spread);
        else all.push(...spread);
        kept += spread.length;
      }
      before = counts;
      last = endMs;
      if (kept > most) forget((oldest + endMs) / 2);
    },
    of: (flow) => steps.get(flow) ?? [],
  };
}

/** Evenly over `span` steps from `begin.endMs` to `endMs`; what comes out adds up to what went in. */
function spreadOver(span: number, begin: FlowStep, endMs: number): FlowStep[] {
  const part = (all: number, step: number) =>
    Math.round((all * (step + 1)) / span) - Math.round((all * step) / span);
  return Array.from({ length: span }, (_, step) => ({
    endMs: begin.endMs + ((endMs - begin.endMs) * (step + 1)) / span,
    frames: part(begin.frames, step),
    copies: part(begin.copies, step),
  })).filter(({ frames, copies }) => frames > 0 || copies > 0);
}

/** Of two flows that are one. */
export function mergedSteps(a: readonly FlowStep[], b: readonly FlowStep[]): FlowStep[] {
  const merged = new Map<number, FlowStep>();
  for (const { endMs, frames, copies } of [...a, ...b]) {
    const known = merged.get(endMs) ?? { frames: 0, copies: 0 };
    merged.set(endMs, { endMs, frames: known.frames + frames, copies: known.copies + copies });
  }
  return [...merged.values()].sort((x, y) => x.endMs - y.endMs);
}
