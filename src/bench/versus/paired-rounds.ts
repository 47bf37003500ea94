import { setImmediate } from "node:timers/promises";
import { type Case, METRICS, type MetricName } from "../../document/case.ts";
import type { Session } from "../../document/session.ts";
import { lagOne } from "../../stats/autocorrelation.ts";
import { findingsOf, headlinesOf } from "../../stats/compare/paired.ts";
import { seededRandom } from "../../stats/random.ts";
import { warmUpLength } from "../../stats/warm-up.ts";
import { BridgescopeError } from "../../system/errors.ts";
import { stolenShare } from "../steal.ts";
import type { Driver, RoundResult } from "../workloads/workload.ts";
import { Disturbances, readDisturbance } from "./disturbance.ts";
import { type Both, LEAST_PAIRS, type SessionPlan, type SideName } from "./sides.ts";
import type { EventOf } from "./tape.ts";

/** The most of a budget that a warm-up may take before it is given up on. */
const WARM_UP_SHARE = 0.25;
const WARM_UP_STEP = 10;
const MOST_WARM_UP = 100;

/** One round of each side in the order in which they were measured, and what the machine's counters said around it. */
type Pair = EventOf<"pair">["pair"];
type PairedRound = Pair[number];

/** The rounds of one session: both sides' cases get one of each pair. */
export class PairedRounds {
  /** Pairs so far, and those of them that are behind the warm-up. */
  pairs = 0;
  counted = 0;
  last: RoundResult["metrics"] = {};
  readonly #plan: SessionPlan;
  readonly #cases: Both<Case>;
  readonly #coin: () => number;
  readonly #first: Both<number>;
  readonly #readings: (Omit<PairedRound, "result"> & { pair: number })[] = [];
  #order: readonly SideName[];
  #warmUp = { pairs: 0, settled: false };
  #block = 0;

  constructor(plan: SessionPlan, cases: Both<Case>) {
    this.#plan = plan;
    this.#cases = cases;
    this.#coin = seededRandom(plan.seed);
    this.#order = this.#draw();
    this.#first = { base: cases.base.rounds.length, candidate: cases.candidate.rounds.length };
  }

  #draw(): readonly SideName[] {
    return this.#coin() < 0.5 ? ["base", "candidate"] : ["candidate", "base"];
  }

  /** Measures the pair that is to be entered next. */
  async measure(drivers: Both<Driver>): Promise<Pair> {
    // Those who read the progress have their turn now, so that their time is not in the rounds'.
    await setImmediate();
    const pair: PairedRound[] = [];
    for (const side of this.#order) {
      const before = readDisturbance();
      const { metrics, cpu, warnings } = await drivers[side].round(this.#plan.roundNs);
      pair.push({ side, before, after: readDisturbance(), result: { metrics, cpu, warnings } });
    }
    return pair;
  }

  /** Enters a pair, whether it was measured now or by a process before this one. */
  enter(pair: Pair): void {
    for (const one of pair) this.#enter(one);
    this.pairs++;
    if (this.#block > 0) this.counted++;
    this.last = pair.find(({ side }) => side === "base")?.result.metrics ?? {};
    this.#order = this.#draw();
  }

  #enter({ side, before, after, result }: PairedRound): void {
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
