import { setImmediate } from "node:timers/promises";
import { type Case, METRICS, type MetricName } from "../../document/case.ts";
import type { Session } from "../../document/session.ts";
import { lagOne } from "../../stats/autocorrelation.ts";
import { findingsOf, headlinesOf } from "../../stats/compare/paired.ts";
import { LOOKS, spentBetween } from "../../stats/looks.ts";
import { seededRandom } from "../../stats/random.ts";
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

/** Both sides' labs with their drivers. */
export interface Stand {
  drivers: Both<Driver>;
  close(): Promise<void>;
}

/** Pairs without which nothing is said of the end of a warm-up, or of a ratio. */
export const LEAST_PAIRS = 20;
/** The most of a budget that a warm-up may take before it is given up on. */
const WARM_UP_SHARE = 0.25;
const WARM_UP_STEP = 10;
const MOST_WARM_UP = 100;
/**
 * Blocks that a session should have: fewer cannot carry a small p, since each has one sign to flip. A block
 * lasts 0.4 s where there is time for more of them.
 */
const BLOCKS = 14;
const BLOCK_NS = 0.4e9;
const LEAST_BLOCK_PAIRS = 4;

/**
 * Measures pairs of adjacent rounds, one of each side in random order, until the interval is narrow
 * enough for the margin or the budget is spent, and enters them into both cases. After some pairs both labs
 * are built anew, since two labs that were asked to be the same differ by their luck, such as their place
 * in memory, by as much as many changes do; where they cannot be (`renew` false), one pair of them has to do.
 * Whether to stop is asked at a few planned looks, and never by what was found. Throws when a round cannot
 * be measured; what was measured until then stays.
 */
export async function measureSession(
  plan: SessionPlan,
  { stand, renew }: { stand: () => Promise<Stand>; renew: boolean },
  cases: Both<Case>,
  context: CaseProgress & { signal: AbortSignal },
): Promise<void> {
  const rounds = new PairedRounds(plan, cases);
  const clock = new Clock(plan);
  const looks: Session["looks"] = [];
  let stopped: Session["stopped"] = "failed";
  let standing: Stand | null = null;
  const built = async () => {
    const began = process.hrtime.bigint();
    await standing?.close();
    standing = null;
    context.signal.throwIfAborted();
    standing = await stand();
    clock.standNs = Number(process.hrtime.bigint() - began);
    return standing.drivers;
  };
  const measure = async (drivers: Both<Driver>) => {
    context.signal.throwIfAborted();
    await rounds.measure(drivers);
    context.progress(told(rounds, clock));
    context.finished(rounds.pairs, rounds.last);
  };
  try {
    let drivers = await built();
    const warmUpBegan = clock.spentNs();
    do await measure(drivers);
    while (!rounds.warm(clock.share(rounds)));
    const pairNs = (clock.spentNs() - warmUpBegan) / rounds.pairs;
    const each = renew ? clock.blockPairs(pairNs) : Number.POSITIVE_INFINITY;
    for (;;) {
      if (renew) drivers = await built();
      rounds.nextBlock();
      for (let pair = 0; pair < each && !clock.due(rounds, looks); pair++) await measure(drivers);
      const at = clock.share(rounds);
      const before = looks.at(-1)?.at ?? 0;
      const look = LOOKS.findLast((one) => one <= at && one > before);
      if (look === undefined || (at < 1 && (rounds.counted < LEAST_PAIRS || plan.pairs !== null))) {
        continue;
      }
      const alpha = spentBetween(before, look, plan.alpha);
      looks.push({ at: look, pairs: rounds.counted, alpha });
      if (at >= 1) stopped = plan.pairs === null ? "budget" : "pairs";
      else if (rounds.narrowEnough(alpha)) stopped = "width";
      else continue;
      return;
    }
  } catch (error) {
    if (context.signal.aborted) stopped = "interrupted";
    throw error;
  } finally {
    await (standing as Stand | null)?.close();
    const session = rounds.close(looks, stopped);
    for (const side of SIDES) {
      cases[side].sessions = [...(cases[side].sessions ?? []), session[side]];
    }
  }
}

/** How far a session has come. */
class Clock {
  /** What building both labs took the last time. */
  standNs = 0;
  readonly #plan: SessionPlan;
  readonly #began = process.hrtime.bigint();

  constructor(plan: SessionPlan) {
    this.#plan = plan;
  }

  get plan(): SessionPlan {
    return this.#plan;
  }

  spentNs(): number {
    return Number(process.hrtime.bigint() - this.#began);
  }

  /** Share of the budget, or of the pairs, that is behind us. */
  share({ counted }: { counted: number }): number {
    const { budgetNs, pairs } = this.#plan;
    return budgetNs === null ? counted / (pairs ?? 1) : this.spentNs() / budgetNs;
  }

  /** Whether it is time for the next look, so that a block is cut short for it. */
  due(rounds: { counted: number }, looks: Session["looks"]): boolean {
    const at = this.share(rounds);
    if (this.#plan.pairs !== null) return at >= 1;
    const next = LOOKS.find((look) => look > (looks.at(-1)?.at ?? 0)) ?? 1;
    return at >= 1 || (at >= next && rounds.counted >= LEAST_PAIRS);
  }

  /** Pairs of a block, where a pair takes `pairNs`. */
  blockPairs(pairNs: number): number {
    const { budgetNs, pairs } = this.#plan;
    const most =
      budgetNs === null
        ? Math.floor((pairs ?? 0) / BLOCKS)
        : Math.floor(((budgetNs - this.spentNs()) / BLOCKS - this.standNs) / pairNs);
    return Math.max(LEAST_BLOCK_PAIRS, Math.min(Math.round(BLOCK_NS / pairNs), most));
  }
}

function told(rounds: { pairs: number }, clock: Clock): string {
  const { measurement, budgetNs, pairs } = clock.plan;
  const again = measurement > 1 ? ", measured again" : "";
  const of =
    budgetNs === null
      ? ` of ${pairs} and their warm-up`
      : `, ${Math.min(100, Math.round((clock.spentNs() / budgetNs) * 100))} % of the budget`;
  return `pair ${rounds.pairs}${of}${again}`;
}

/** The rounds of one session: both sides' cases get one of each pair. */
class PairedRounds {
  /** Pairs so far, and those of them that are behind the warm-up. */
  pairs = 0;
  counted = 0;
  last: RoundResult["metrics"] = {};
  readonly #plan: SessionPlan;
  readonly #cases: Both<Case>;
  readonly #coin: () => number;
  readonly #first: Both<number>;
  readonly #readings: { side: SideName; pair: number; before: Reading; after: Reading }[] = [];
  #warmUp = { pairs: 0, settled: false };
  #block = 0;

  constructor(plan: SessionPlan, cases: Both<Case>) {
    this.#plan = plan;
    this.#cases = cases;
    this.#coin = seededRandom(plan.seed);
    this.#first = { base: cases.base.rounds.length, candidate: cases.candidate.rounds.length };
  }

  /** One pair, entered whole or not at all. */
  async measure(drivers: Both<Driver>): Promise<void> {
    // Those who read the progress have their turn now, so that their time is not in the rounds'.
    await setImmediate();
    const order: readonly SideName[] =
      this.#coin() < 0.5 ? ["base", "candidate"] : ["candidate", "base"];
    const measured: { side: SideName; before: Reading; after: Reading; result: RoundResult }[] = [];
    for (const side of order) {
      const before = readDisturbance();
      const result = await drivers[side].round(this.#plan.roundNs);
      measured.push({ side, before, after: readDisturbance(), result });
    }
    for (const one of measured) this.#enter(one.side, one.before, one.after, one.result);
    this.pairs++;
    if (this.#block > 0) this.counted++;
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
      discarded: this.#block === 0 ? "warm-up" : null,
      measurement: this.#plan.measurement,
      block: this.#block,
    });
    this.#readings.push({ side, pair: this.pairs, before, after });
  }

  /** Whether the warm-up has come to its end, found or given up on. */
  warm(share: number): boolean {
    if (this.pairs < LEAST_PAIRS || this.pairs % WARM_UP_STEP !== 0) return false;
    const settled = warmUpLength(this.#levels()) !== null;
    const givenUp =
      this.pairs >= MOST_WARM_UP || (this.#plan.budgetNs !== null && share >= WARM_UP_SHARE);
    if (settled || givenUp) this.#warmUp = { pairs: this.pairs, settled };
    return settled || givenUp;
  }

  /** What comes now is of labs that were built anew. */
  nextBlock(): void {
    this.#block++;
  }

  /** Whether every headline metric's interval is so narrow that a change of nothing would lie within the margin. */
  narrowEnough(alpha: number): boolean {
    const { base, candidate } = this.#cases;
    const { measurement, seed, margin } = this.#plan;
    const findings = findingsOf(
      base,
      candidate,
      { measurement, alpha, seed },
      { margin, metrics: headlinesOf(base) },
    );
    return (
      findings.length > 0 &&
      findings.every(
        ({ ratio, few }) =>
          ratio !== null &&
          !few &&
          Math.log(ratio.ci[1] / ratio.ci[0]) / 2 <= Math.log1p(margin) / 2,
      )
    );
  }

  close(looks: Session["looks"], stopped: Session["stopped"]): Both<Session> {
    const { measurement, seed, roundNs, budgetNs, alpha } = this.#plan;
    const of = (side: SideName): Session => ({
      measurement,
      seed,
      roundNs,
      budgetNs,
      warmUp: this.#warmUp.pairs,
      settled: this.#warmUp.settled,
      blocks: this.#block,
      pairs: this.counted,
      alpha: looks.at(-1)?.alpha ?? alpha,
      looks,
      stopped,
      noise: this.#noise(side),
    });
    return { base: of("base"), candidate: of("candidate") };
  }

  #noise(side: SideName): Session["noise"] {
    const rounds = this.#rounds(side);
    const counts = (pair: number) => rounds[pair]?.discarded === null;
    const disturbances = new Disturbances();
    for (const one of this.#readings) {
      if (one.side === side && counts(one.pair)) disturbances.add(one.before, one.after);
    }
    const metric = headlinesOf(this.#cases[side])[0];
    const samples = metric === undefined ? [] : this.#samples(side, metric);
    return disturbances.summary(lagOne(samples.filter((_, pair) => counts(pair))));
  }

  /** How high a pair lies, whatever its sides differ by: the mean of both logs. */
  #levels(): number[] {
    const { metrics } = this.#cases.base;
    const metric =
      headlinesOf(this.#cases.base)[0] ??
      Object.keys(metrics).find((name) => name !== "setup_time");
    if (metric === undefined) return [];
    const candidate = this.#samples("candidate", metric);
    return this.#samples("base", metric).map(
      (value, index) => (Math.log(value) + Math.log(candidate[index] ?? Number.NaN)) / 2,
    );
  }

  /** This session's samples of a metric, the warm-up's included. */
  #samples(side: SideName, metric: string): number[] {
    return (this.#cases[side].metrics[metric]?.samples ?? []).slice(this.#first[side]);
  }

  #rounds(side: SideName): Case["rounds"] {
    return this.#cases[side].rounds.slice(this.#first[side]);
  }
}
