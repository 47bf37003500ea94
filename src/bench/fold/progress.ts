import { METRICS, type MetricName } from "../../document/case.ts";
import type { EventOf, MeasuredRound, RunEvent } from "../../document/event.ts";
import type { RoundProgress, RunProgress } from "../../document/progress.ts";
import type { Action } from "../engine/schedule.ts";
import type { Step } from "../plan/plan.ts";

export interface ProgressOptions {
  steps: readonly Step[];
  /** What comes before the first step takes, in nanoseconds. */
  checksNs: number;
  tell(progress: RunProgress): void;
  /** Nanoseconds of the run. */
  now(): number;
}

/** Where a run stands, as far as its events tell it. */
export class ProgressFold {
  readonly #options: ProgressOptions;
  readonly #tookNs: number[] = [];
  #step: Step | null = null;
  #stepBegan = 0;
  #done = 0;
  #what = "";
  #last: RoundProgress | null = null;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /** A word on what is done before the first step. */
  preparing(current: string, what: string): void {
    const { checksNs, tell, now } = this.#options;
    const elapsedNs = now();
    const remainingNs = Math.max(0, checksNs - elapsedNs) + this.#remaining(0, 0);
    const common = { done: 0, total: this.#total, current, what, rounds: null };
    tell({ ...common, elapsedNs, remainingNs, event: "phase", round: null });
  }

  /** A word on what the step in hand does now. */
  doing(what: string): void {
    this.#what = what;
    this.#options.tell({ ...this.#standing(), event: "phase", round: this.#last });
  }

  before({ act, say }: Action): void {
    if (say === undefined) return;
    if (this.#step === null) this.preparing(act === "check" ? "checks" : "preparing", say);
    else this.doing(say);
  }

  enter(event: RunEvent): void {
    if (event.act === "begin") this.#begin(event);
    if (event.act === "discard") this.#done = 0;
    if (event.act === "measure") this.#measured(event.rounds);
  }

  get #total(): number {
    return this.#options.steps.length;
  }

  #begin({ id, at }: EventOf<"begin">): void {
    if (this.#step !== null) this.#tookNs.push(at - this.#stepBegan);
    this.#step = this.#options.steps.find((step) => step.id === id) ?? null;
    this.#stepBegan = at;
    this.#done = 0;
    this.#last = null;
  }

  /** Adjacent rounds of several drivers are one. */
  #measured([first]: readonly MeasuredRound[]): void {
    this.#done++;
    this.#last = headline(this.#done, first?.measured.metrics ?? {});
    if (this.#last === null) return;
    this.#options.tell({ ...this.#standing(), event: "round", round: this.#last });
  }

  #standing() {
    const { id = "", rounds = 0, durationNs = 0 } = this.#step ?? {};
    const now = this.#options.now();
    return {
      done: this.#tookNs.length,
      total: this.#total,
      current: id,
      what: this.#what,
      rounds: { done: this.#done, total: Math.max(rounds, this.#done) },
      elapsedNs: now,
      remainingNs: this.#remaining(
        now - this.#stepBegan,
        Math.max(0, rounds - this.#done) * durationNs,
      ),
    };
  }

  #remaining(spentNs: number, leastNs: number): number {
    const plannedNs = this.#options.steps.map((step) => step.estimateNs);
    return remaining({ plannedNs, tookNs: this.#tookNs, spentNs, leastNs });
  }
}

interface Pace {
  /** What each step of the run was thought to take, in nanoseconds. */
  plannedNs: readonly number[];
  /** What the finished ones really took, from the first on. */
  tookNs: readonly number[];
  /** What the step in hand has taken so far. */
  spentNs: number;
  /** What the step in hand cannot do without: its rounds to come. */
  leastNs: number;
}

/** Nanoseconds that the rest of the run will take, if it keeps to the plan as the finished steps did. */
export function remaining({ plannedNs, tookNs, spentNs, leastNs }: Pace): number {
  const [inHand = 0, ...later] = plannedNs.slice(tookNs.length);
  const planned = sum(plannedNs.slice(0, tookNs.length));
  const pace = planned > 0 ? sum(tookNs) / planned : 1;
  return Math.max(inHand * pace - spentNs, leastNs, 0) + sum(later) * pace;
}

/** The first rate that the round has; without one its first metric. Null without any. */
export function headline(
  index: number,
  metrics: Partial<Record<MetricName, number>>,
): RoundProgress | null {
  const names = (Object.keys(METRICS) as MetricName[]).filter(
    (name) => metrics[name] !== undefined,
  );
  const metric = names.find((name) => METRICS[name].unit.endsWith("/s")) ?? names[0];
  const value = metric === undefined ? undefined : metrics[metric];
  if (metric === undefined || value === undefined) return null;
  return { index, metric, value, unit: METRICS[metric].unit };
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
