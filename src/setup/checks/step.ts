import type { Check } from "../../document/run.ts";
import { printable } from "../../text/printable.ts";

/** What the kernel showed; `expected` replaces the step's own words where live data sharpens them. */
export interface Observation {
  passed: boolean;
  observed: string;
  expected?: string;
}

/** One fact of a rung: brought about by `prepare`, then read from the kernel by `observe`. */
export interface Step {
  id: string;
  title: string;
  /** What a person would type to see the same. */
  command: string;
  expected: string;
  prepare?(): Promise<unknown>;
  observe(): Promise<Observation>;
  /** Takes back what only this step needed. */
  tidy?(): Promise<unknown>;
}

export interface ClimbOptions {
  signal?: AbortSignal | undefined;
  /**
   * Called between a step and its showing; what it returns is called after the showing.
   * This is where tests break a lab on purpose.
   */
  between?: ((id: string) => Promise<(() => Promise<unknown>) | undefined>) | undefined;
}

/** Takes the steps in order and shows each one. A step that cannot be taken is a check that failed. */
export async function climb(steps: readonly Step[], options: ClimbOptions = {}): Promise<Check[]> {
  const checks: Check[] = [];
  for (const step of steps) {
    options.signal?.throwIfAborted();
    checks.push(await show(step, options));
  }
  return checks;
}

async function show(step: Step, options: ClimbOptions): Promise<Check> {
  const troubles: string[] = [];
  await attempt(step.prepare?.bind(step), troubles);
  const undo = await options.between?.(step.id);
  const seen = await attempt(step.observe.bind(step), troubles);
  await undo?.();
  await attempt(step.tidy?.bind(step), troubles);
  const observed = [seen?.observed, ...troubles].filter((words) => words !== undefined).join("; ");
  return {
    id: step.id,
    title: step.title,
    passed: seen?.passed === true && troubles.length === 0,
    evidence: {
      command: printable(step.command),
      expected: printable(seen?.expected ?? step.expected),
      observed: printable(observed),
    },
  };
}

async function attempt<T>(
  action: (() => Promise<T>) | undefined,
  troubles: string[],
): Promise<T | undefined> {
  try {
    return await action?.();
  } catch (error) {
    troubles.push(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}
