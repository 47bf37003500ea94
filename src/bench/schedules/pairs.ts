import type { MetricName } from "../../document/case.ts";
import type { EventOf, MeasuredRound, RunEvent } from "../../document/event.ts";
import type { Session } from "../../document/session.ts";
import { HEADLINES } from "../../stats/compare/headlines.ts";
import { findingsOf, headlinesOf } from "../../stats/compare/paired.ts";
import { LOOKS, spentBetween } from "../../stats/looks.ts";
import { LEAST_BLOCKS } from "../../stats/paired/blocks.ts";
import { seededRandom } from "../../stats/random.ts";
import { warmUpLength } from "../../stats/warm-up.ts";
import { UsageError } from "../../system/errors.ts";
import { type Action, CutOff, doing, Interrupted, type Schedule } from "../engine/schedule.ts";
import type { CaseFold } from "../fold/case-fold.ts";
import { changeDuring } from "../fold/foreign.ts";
import type { PlannedCase } from "../plan/plan.ts";
import {
  type Both,
  LEAST_BLOCK_PAIRS,
  LEAST_PAIRS,
  type SessionPlan,
  SIDES,
  type SideName,
} from "../plan/sides.ts";

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

export interface SessionContext {
  planned: Both<PlannedCase>;
  /** The cases as far as they have come; the schedule enters what happens. */
  cases: Both<CaseFold>;
  /** Moment at which the session begins, in nanoseconds of the run. */
  beganAt: number;
  /** Whether a budget that cannot carry a verdict is refused; otherwise it is exceeded. */
  refuse: boolean;
}

/**
 * Measures pairs of adjacent rounds, one of each side in random order, until the interval is narrow enough for the
 * margin or the budget is spent. After some pairs both labs are built anew (a block), since two labs that were asked
 * to be the same differ by as much as many changes do, for instance by their place in memory; networks that are
 * there already cannot be. Whether to stop is asked at a few planned interim analyses, and never by what was found.
 * A pair during which other people's probes came or went does not count, whatever it says, and is measured anew at the
 * end: until the session has taken twice what it was given.
 * Cut off, it goes on with a new block. Gives the moment at which it ended. Throws a UsageError for a budget that
 * cannot carry a verdict.
 */
export function* session(plan: SessionPlan, context: SessionContext): Schedule<number> {
  const one = new SessionSchedule(plan, context);
  try {
    yield* one.run();
  } catch (error) {
    one.stopped = error instanceof Interrupted ? "interrupted" : "failed";
    throw error;
  } finally {
    yield* one.end();
  }
  return one.at;
}

class SessionSchedule {
  stopped: Session["stopped"] = "failed";
  at: number;
  readonly #plan: SessionPlan;
  readonly #context: SessionContext;
  readonly #coin: () => number;
  readonly #renew: boolean;
  readonly #looks: Session["looks"] = [];
  /** Mean log of both sides' headline, pair by pair: how high it lies, whatever the sides differ by. */
  readonly #levels: number[] = [];
  #order: readonly SideName[];
  #metrics: string[] | null = null;
  #stands = false;
  #built = 0;
  /** What building both labs took the last time. */
  #standNs = 0;
  #pairs = 0;
  #counted = 0;
  /** Pairs that do not count, and what they took. */
  #discarded = { pairs: 0, ns: 0 };
  #block = 0;
  /** Blocks with a pair that counts. */
  readonly #whole = new Set<number>();
  #warmUp = { pairs: 0, settled: false };

  constructor(plan: SessionPlan, context: SessionContext) {
    this.#plan = plan;
    this.#context = context;
    this.at = context.beganAt;
    this.#coin = seededRandom(plan.seed);
    this.#order = this.#draw();
    const { planned } = context;
    this.#renew = SIDES.every((side) => planned[side].topology.kind !== "attach");
  }

  *run(): Schedule {
    yield* this.#stand();
    const warmUpBegan = this.#spentNs;
    do yield* this.#pair(false);
    while (!this.#warm());
    const pairNs = (this.#spentNs - warmUpBegan) / this.#pairs;
    this.#checkBudget(pairNs);
    const each = this.#renew ? this.#blockPairs(pairNs) : Number.POSITIVE_INFINITY;
    do {
      if (this.#renew) yield* this.#stand();
      // Networks that are there already are one pair of labs, however often an interim analysis is made.
      if (this.#renew || this.#block === 0) this.#block++;
      const [measured, before] = [this.#pairs, this.#counted];
      while (this.#counted - before < each && this.#pairs - measured < 2 * each) {
        if (this.#due(this.#counted - before)) break;
        if (!(yield* this.#pair(this.#renew && this.#pairs > measured))) break;
      }
    } while (!this.#analyse());
  }

  /** Takes the labs down and says how the session went. */
  *end(): Schedule {
    const { measurement, seed, roundNs, budgetNs, alpha } = this.#plan;
    try {
      yield* this.#do({ act: "close" });
    } catch (error) {
      if (!(error instanceof CutOff)) throw error;
    }
    yield* this.#do({
      act: "session",
      session: {
        ...{ measurement, seed, roundNs, budgetNs },
        warmUp: this.#warmUp.pairs,
        settled: this.#warmUp.settled,
        blocks: this.#block,
        pairs: this.#counted,
        ...(this.#discarded.pairs === 0 ? {} : { discarded: this.#discarded.pairs }),
        alpha: this.#looks.at(-1)?.alpha ?? alpha,
        looks: this.#looks,
        stopped: this.stopped,
      },
    });
  }

  /** Does it and enters what happened. */
  *#do<Act extends Action["act"] & RunEvent["act"]>(
    action: Extract<Action, { act: Act }>,
  ): Schedule<EventOf<Act>> {
    const event = yield* doing<Act>(action);
    this.#enter(event);
    return event;
  }

  #enter(event: RunEvent): void {
    this.at = event.at;
    for (const side of SIDES) this.#context.cases[side].enter(event);
  }

  /** Builds both labs anew, in this order and in the other one in turn. */
  *#stand(): Schedule {
    for (;;) {
      try {
        const began = this.at;
        if (this.#stands) yield* this.#do({ act: "close" });
        this.#stands = false;
        const turn = this.#plan.measurement + this.#built++;
        for (const side of turn % 2 === 1 ? SIDES : SIDES.toReversed()) {
          const planned = this.#context.planned[side];
          yield* this.#do({ act: "build", lab: side, topology: planned.topology });
          yield* this.#do({ act: "prepare", lab: side, driver: side, planned });
        }
        this.#stands = true;
        this.#standNs = this.at - began;
        return;
      } catch (error) {
        if (!(error instanceof CutOff)) throw error;
        this.#stands = false;
      }
    }
  }

  /** Measures the next pair. Cut off, in new labs; false where `alone`, as those are a block of their own. */
  *#pair(alone: boolean): Schedule<boolean> {
    for (;;) {
      try {
        if (!this.#stands) yield* this.#stand();
        const { measurement, roundNs } = this.#plan;
        const began = this.at;
        const { rounds } = yield* this.#do({
          ...{ act: "measure", durationNs: roundNs, measurement, block: this.#block },
          keep: "metrics",
          drivers: this.#order.map((driver) => ({ driver, side: "off" })),
          say: this.#words(),
        });
        yield* this.#checkMetrics(rounds);
        this.#pairs++;
        if (this.#block > 0) this.#count(rounds, this.at - began);
        this.#levels.push(levelOf(rounds.map(({ measured }) => measured.metrics)));
        this.#order = this.#draw();
        return true;
      } catch (error) {
        if (!(error instanceof CutOff)) throw error;
        this.#stands = false;
        if (alone) return false;
      }
    }
  }

  /** Counts a pair, unless other people's probes came or went meanwhile. */
  #count(rounds: readonly MeasuredRound[], tookNs: number): void {
    const { came, went } = changeDuring(rounds);
    if (came.length + went.length > 0) {
      this.#discarded.pairs++;
      this.#discarded.ns += tookNs;
      return;
    }
    this.#counted++;
    this.#whole.add(this.#block);
  }

  /** Pairs match by their place, so each round has every metric that the first has. */
  *#checkMetrics(rounds: readonly MeasuredRound[]): Schedule {
    for (const { measured, driver } of rounds) {
      const names = Object.keys(measured.metrics);
      this.#metrics ??= names;
      const missing = [
        ...this.#metrics.filter((name) => !names.includes(name)),
        ...names.filter((name) => this.#metrics?.includes(name) === false),
      ];
      if (missing.length === 0) continue;
      const error = `${missing[0]} is not in every round (${driver}, pair ${this.#pairs + 1}): the pairs would not match`;
      yield* this.#do({ act: "fail", error, tool: null, exitCode: 1 });
    }
  }

  #draw(): readonly SideName[] {
    return this.#coin() < 0.5 ? ["base", "candidate"] : ["candidate", "base"];
  }

  #words(): string {
    const { measurement, budgetNs, pairs } = this.#plan;
    const again = measurement > 1 ? ", measured again" : "";
    const of =
      budgetNs === null
        ? ` of ${pairs} and their warm-up`
        : `, ${Math.min(100, Math.round((this.#spentNs / budgetNs) * 100))} % of the budget`;
    return `pair ${this.#pairs + 1}${of}${again}`;
  }

  /** Without the pairs that do not count, up to as much again as the session was given. */
  get #spentNs(): number {
    const most = this.#plan.budgetNs ?? Number.POSITIVE_INFINITY;
    return this.at - this.#context.beganAt - Math.min(this.#discarded.ns, most);
  }

  /** Share of the budget, or of the pairs, that is behind us. */
  #share(): number {
    const { budgetNs, pairs } = this.#plan;
    if (budgetNs !== null) return this.#spentNs / budgetNs;
    const given = pairs ?? 1;
    return (this.#counted + Math.max(0, this.#discarded.pairs - given)) / given;
  }

  /** Whether as much as the session was given has gone to pairs that do not count. */
  #overdrawn(): boolean {
    const { budgetNs, pairs } = this.#plan;
    return budgetNs === null
      ? this.#discarded.pairs >= (pairs ?? 1)
      : this.#discarded.ns >= budgetNs;
  }

  /** Whether the warm-up has come to its end, found or given up on. */
  #warm(): boolean {
    if (this.#pairs < LEAST_PAIRS || this.#pairs % WARM_UP_STEP !== 0) return false;
    const settled = warmUpLength(this.#levels) !== null;
    const givenUp =
      this.#pairs >= MOST_WARM_UP ||
      (this.#plan.budgetNs !== null && this.#share() >= WARM_UP_SHARE);
    if (settled || givenUp) this.#warmUp = { pairs: this.#pairs, settled };
    return settled || givenUp;
  }

  /** Throws a UsageError where the rest of the budget has no room for as many blocks as an interval takes. */
  #checkBudget(pairNs: number): void {
    const { budgetNs } = this.#plan;
    if (budgetNs === null || !this.#renew || !this.#context.refuse) return;
    const neededNs = LEAST_BLOCKS * (this.#standNs + LEAST_BLOCK_PAIRS * pairNs);
    if (this.#spentNs + neededNs <= budgetNs) return;
    const { id } = this.#context.planned.base;
    // Rounded up, so that the same budget is not refused the next time.
    const least = Math.ceil((1.2 * (this.#spentNs + neededNs)) / 1e9);
    throw new UsageError(
      `a budget of ${Number((budgetNs / 1e9).toPrecision(3))}s is too short for a verdict on ${id}, which takes ${LEAST_BLOCKS} pairs of labs: give this case at least ${least}s (--budget is shared by the cases)`,
    );
  }

  /** Pairs of a block, where a pair takes `pairNs`. */
  #blockPairs(pairNs: number): number {
    const { budgetNs, pairs } = this.#plan;
    const most =
      budgetNs === null
        ? Math.floor((pairs ?? 0) / BLOCKS)
        : Math.floor(((budgetNs - this.#spentNs) / BLOCKS - this.#standNs) / pairNs);
    return Math.max(LEAST_BLOCK_PAIRS, Math.min(Math.round(BLOCK_NS / pairNs), most));
  }

  /** Whether it is time for the next interim analysis, so that a block of so many pairs is cut short for it. */
  #due(blockPairs: number): boolean {
    const at = this.#share();
    if (this.#plan.pairs !== null) return at >= 1;
    if (!this.#enoughBlocks() && !this.#overdrawn() && blockPairs < LEAST_BLOCK_PAIRS) return false;
    const next = LOOKS.find((look) => look > (this.#looks.at(-1)?.at ?? 0)) ?? 1;
    return at >= 1 || (at >= next && this.#counted >= LEAST_PAIRS);
  }

  /** Whether there are as many pairs of labs as an interval takes. */
  #enoughBlocks(): boolean {
    return !this.#renew || this.#whole.size >= LEAST_BLOCKS;
  }

  /** Makes an interim analysis where one is due; whether the session is at its end. */
  #analyse(): boolean {
    const at = this.#share();
    // A budget that has run out has to carry its verdict all the same, unless it was taken away.
    if (!this.#enoughBlocks() && !(this.#overdrawn() && at >= 1)) return false;
    const before = this.#looks.at(-1)?.at ?? 0;
    const look = LOOKS.findLast((one) => one <= at && one > before);
    const given = this.#plan.pairs !== null;
    if (look === undefined || (at < 1 && (this.#counted < LEAST_PAIRS || given))) return false;
    const alpha = spentBetween(before, look, this.#plan.alpha);
    this.#looks.push({ at: look, pairs: this.#counted, alpha });
    if (at >= 1) this.stopped = given ? "pairs" : "budget";
    else if (this.#narrowEnough(alpha)) this.stopped = "width";
    else return false;
    return true;
  }

  /** Whether every headline metric's interval is so narrow that a change of nothing would lie within the margin. */
  #narrowEnough(alpha: number): boolean {
    const base = this.#context.cases.base.soFar;
    const { measurement, seed, margin } = this.#plan;
    const findings = findingsOf(
      base,
      this.#context.cases.candidate.soFar,
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
}

/** How high a pair lies, whatever its sides differ by: the mean log of its headline metric. */
function levelOf(sides: readonly Partial<Record<MetricName, number>>[]): number {
  const [first = {}] = sides;
  const metric =
    HEADLINES.find((name) => first[name] !== undefined) ?? (Object.keys(first) as MetricName[])[0];
  if (metric === undefined) return Number.NaN;
  return sides.reduce((sum, one) => sum + Math.log(one[metric] ?? Number.NaN), 0) / sides.length;
}
