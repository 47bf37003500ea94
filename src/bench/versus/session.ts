import { setImmediate } from "node:timers/promises";
import { type Case, METRICS, type MetricName } from "../../document/case.ts";
import type { Session } from "../../document/session.ts";
import { lagOne } from "../../stats/autocorrelation.ts";
import { findingsOf, headlinesOf } from "../../stats/compare/paired.ts";
import { LOOKS, spentBetween } from "../../stats/looks.ts";
import { seededRandom } from "../../stats/random.ts";
import { pairedSamples } from "../../stats/samples.ts";
import { warmUpLength } from "../../stats/warm-up.ts";
import { BridgescopeError } from "../../system/errors.ts";
import type { CaseProgress } from "../progress.ts";
import { stolenShare } from "../steal.ts";
import type { Driver, RoundResult } from "../workloads/workload.ts";
import { Disturbances, type Reading, readDisturbance } from "./disturbance.ts";

export const SIDES = ["base", "candidate"] as const;
export type SideName = (typeof SIDES)[number];

/** One of each side. */
export type Both<T> = Record<SideName, T>;

export interface SessionPlan {
  measurement: number;
  seed: number;
  roundNs: number;
  /** Time for everything, the warm-up included; null where `pairs` says how long. */
  budgetNs: number | null;
  /** Pairs that count, where a person gave their number: then there is one look, at the end. */
  pairs: number | null;
  margin: number;
  /** Share of errors that this case may make over all looks. */
  alpha: number;
}

/** Pairs without which nothing is said of the end of a warm-up, or of a ratio. */
export const LEAST_PAIRS = 20;
/** The most of a budget that a warm-up may take before it is given up on. */
const WARM_UP_SHARE = 0.25;
const WARM_UP_STEP = 10;
const MOST_WARM_UP = 200;

/**
 * Measures pairs of adjacent rounds, one of each side in random order, until the interval is narrow
 * enough for the margin or the budget is spent, and enters them into both cases. Whether to stop is
 * asked at a few planned looks, and never by what was found. Throws when a round cannot be measured;
 * what was measured until then stays.
 */
export async function measureSession(
  plan: SessionPlan,
  drivers: Both<Driver>,
  cases: Both<Case>,
  context: CaseProgress & { signal: AbortSignal },
): Promise<void> {
  const rounds = new PairedRounds(plan, drivers, cases);
  const began = process.hrtime.bigint();
  const spentNs = () => Number(process.hrtime.bigint() - began);
  const looks: Session["looks"] = [];
  let warmUp: { pairs: number; settled: boolean } | null = null;
  let stopped: Session["stopped"] = "failed";
  const enter = () => {
    const session = rounds.close({ looks, stopped, warmUp });
    for (const side of SIDES)
      cases[side].sessions = [...(cases[side].sessions ?? []), session[side]];
  };
  const share = () =>
    plan.budgetNs === null
      ? rounds.pairs / ((plan.pairs ?? 1) + (warmUp?.pairs ?? MOST_WARM_UP))
      : spentNs() / plan.budgetNs;
  try {
    for (;;) {
      context.signal.throwIfAborted();
      await rounds.measure();
      context.progress(told(rounds.pairs, plan, spentNs()));
      context.finished(rounds.pairs, rounds.last);
      if (warmUp === null) {
        warmUp = rounds.warmUp(share());
        if (warmUp !== null) rounds.discard(warmUp.pairs);
        continue;
      }
      const at = share();
      const before = looks.at(-1)?.at ?? 0;
      const due =
        plan.pairs === null ? LOOKS.find((look) => look > before && look <= at) : undefined;
      const over = at >= 1;
      if (!over && (due === undefined || rounds.counted < LEAST_PAIRS)) continue;
      const look = over ? 1 : (LOOKS.findLast((one) => one <= at) ?? 1);
      looks.push({
        at: look,
        pairs: rounds.counted,
        alpha: spentBetween(before, look, plan.alpha),
      });
      if (over) {
        stopped = plan.pairs === null ? "budget" : "pairs";
        return;
      }
      if (rounds.narrowEnough(looks.at(-1)?.alpha ?? plan.alpha)) {
        stopped = "width";
        return;
      }
    }
  } catch (error) {
    if (context.signal.aborted) stopped = "interrupted";
    throw error;
  } finally {
    enter();
  }
}

function told(
  pairs: number,
  { budgetNs, pairs: planned, measurement }: SessionPlan,
  spentNs: number,
): string {
  const again = measurement > 1 ? ", measured again" : "";
  const of =
    budgetNs === null
      ? ` of ${planned}`
      : `, ${Math.min(100, Math.round((spentNs / budgetNs) * 100))} % of the budget`;
  return `pair ${pairs}${of}${again}`;
}

/** The rounds of one session: both sides' cases get one of each pair. */
class PairedRounds {
  pairs = 0;
  counted = 0;
  last: RoundResult["metrics"] = {};
  readonly #plan: SessionPlan;
  readonly #drivers: Both<Driver>;
  readonly #cases: Both<Case>;
  readonly #coin: () => number;
  readonly #first: Both<number>;
  readonly #readings: { side: SideName; pair: number; before: Reading; after: Reading }[] = [];
  #discarded = 0;

  constructor(plan: SessionPlan, drivers: Both<Driver>, cases: Both<Case>) {
    this.#plan = plan;
    this.#drivers = drivers;
    this.#cases = cases;
    this.#coin = seededRandom(plan.seed);
    this.#first = { base: cases.base.rounds.length, candidate: cases.candidate.rounds.length };
  }

  /** One pair, entered whole or not at all. */
  async measure(): Promise<void> {
    // Those who read the progress have their turn now, so that their time is not in the rounds'.
    await setImmediate();
    const order: readonly SideName[] =
      this.#coin() < 0.5 ? ["base", "candidate"] : ["candidate", "base"];
    const measured: { side: SideName; before: Reading; after: Reading; result: RoundResult }[] = [];
    for (const side of order) {
      const before = readDisturbance();
      const result = await this.#drivers[side].round(this.#plan.roundNs);
      measured.push({ side, before, after: readDisturbance(), result });
    }
    for (const { side, before, after, result } of measured)
      this.#enter(side, before, after, result);
    this.pairs++;
    this.counted++;
    this.last = measured.find(({ side }) => side === "base")?.result.metrics ?? {};
  }

  #enter(side: SideName, before: Reading, after: Reading, result: RoundResult): void {
    const one = this.#cases[side];
    const index = one.rounds.length + 1;
    for (const [name, value] of Object.entries(result.metrics)) {
      const metric = name as MetricName;
      const { unit, better } = METRICS[metric];
      one.metrics[metric] ??= { unit, better, samples: [] };
      one.metrics[metric].samples.push(value);
    }
    const missing = Object.entries(one.metrics).find(
      ([name, { samples }]) => name !== "setup_time" && samples.length !== index,
    );
    if (missing !== undefined) {
      throw new BridgescopeError(
        `round ${index} has no ${missing[0]}, and others have: the pairs would not match`,
      );
    }
    for (const warning of result.warnings ?? []) {
      if (!one.warnings.includes(warning)) one.warnings.push(warning);
    }
    one.rounds.push({
      index,
      side,
      startNs: before.atNs,
      durationNs: after.atNs - before.atNs,
      cpu: result.cpu,
      steal: stolenShare(before.cpu, after.cpu),
      discarded: null,
      measurement: this.#plan.measurement,
    });
    this.#readings.push({ side, pair: this.pairs, before, after });
  }

  /** The end of the warm-up once it is found or given up on; null while it goes on. */
  warmUp(share: number): { pairs: number; settled: boolean } | null {
    if (this.pairs < LEAST_PAIRS || this.pairs % WARM_UP_STEP !== 0) return null;
    const found = warmUpLength(this.#levels());
    if (found !== null) return { pairs: found, settled: true };
    const givenUp = share >= WARM_UP_SHARE || this.pairs >= MOST_WARM_UP;
    return givenUp ? { pairs: this.pairs, settled: false } : null;
  }

  /** The rounds of the first pairs do not count. */
  discard(pairs: number): void {
    for (const side of SIDES) {
      const from = this.#first[side];
      for (const round of this.#cases[side].rounds.slice(from, from + pairs))
        round.discarded = "warm-up";
    }
    this.#discarded = pairs;
    this.counted = this.pairs - pairs;
  }

  /** Whether every headline metric's interval is so narrow that a change of nothing would lie within the margin. */
  narrowEnough(alpha: number): boolean {
    const { base, candidate } = this.#cases;
    const metrics = headlinesOf(base);
    const session = { measurement: this.#plan.measurement, alpha, seed: this.#plan.seed };
    const { margin } = this.#plan;
    const findings = findingsOf(base, candidate, session, { margin, metrics });
    return (
      findings.length > 0 &&
      findings.every(({ ratio }) => {
        if (ratio === null) return false;
        return Math.log(ratio.ci[1] / ratio.ci[0]) / 2 <= Math.log1p(margin) / 2;
      })
    );
  }

  close({
    looks,
    stopped,
    warmUp,
  }: {
    looks: Session["looks"];
    stopped: Session["stopped"];
    warmUp: { pairs: number; settled: boolean } | null;
  }): Both<Session> {
    const { measurement, seed, roundNs, budgetNs, alpha } = this.#plan;
    const of = (side: SideName): Session => ({
      measurement,
      seed,
      roundNs,
      budgetNs,
      warmUp: warmUp?.pairs ?? 0,
      settled: warmUp?.settled ?? false,
      pairs: this.counted,
      alpha: looks.at(-1)?.alpha ?? alpha,
      looks,
      stopped,
      noise: this.#noise(side),
    });
    return { base: of("base"), candidate: of("candidate") };
  }

  #noise(side: SideName): Session["noise"] {
    const disturbances = new Disturbances();
    for (const one of this.#readings) {
      if (one.side === side && one.pair >= this.#discarded) disturbances.add(one.before, one.after);
    }
    const metric = headlinesOf(this.#cases[side])[0];
    return disturbances.summary(
      metric === undefined ? null : lagOne(this.#samples(side, metric).slice(this.#discarded)),
    );
  }

  /** How high a pair lies, whatever its sides differ by: the mean of both logs. */
  #levels(): number[] {
    const metric =
      headlinesOf(this.#cases.base)[0] ??
      Object.keys(this.#cases.base.metrics).find((name) => name !== "setup_time");
    if (metric === undefined) return [];
    const candidate = this.#samples("candidate", metric);
    return this.#samples("base", metric).map(
      (value, index) => (Math.log(value) + Math.log(candidate[index] ?? Number.NaN)) / 2,
    );
  }

  /** This session's samples of a metric, the warm-up's included. */
  #samples(side: SideName, metric: string): number[] {
    return pairedSamples(this.#cases[side], metric)
      .slice(this.#first[side])
      .map(({ value }) => value);
  }
}
