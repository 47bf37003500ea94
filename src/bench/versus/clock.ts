import type { Session } from "../../document/session.ts";
import { LOOKS } from "../../stats/looks.ts";
import { LEAST_PAIRS, type SessionPlan } from "./sides.ts";

/**
 * Blocks that a session should have: fewer cannot carry a small p, since each has one sign to flip. A block
 * lasts 0.4 s where there is time for more of them.
 */
const BLOCKS = 14;
const BLOCK_NS = 0.4e9;
const LEAST_BLOCK_PAIRS = 4;

/** How far a session has come. */
export class Clock {
  /** What building both labs took the last time. */
  standNs = 0;
  /** What all laps took. */
  spentNs = 0;
  readonly #plan: SessionPlan;
  #last = process.hrtime.bigint();

  constructor(plan: SessionPlan) {
    this.#plan = plan;
  }

  get plan(): SessionPlan {
    return this.#plan;
  }

  /**
   * Enters the time since the last lap, or `known`: what this lap took when it was measured. Only laps count, so that
   * whoever plays a session again comes to the same decisions.
   */
  lap(known?: number): number {
    const now = process.hrtime.bigint();
    const ns = known ?? Number(now - this.#last);
    this.#last = now;
    this.spentNs += ns;
    return ns;
  }

  /** Share of the budget, or of the pairs, that is behind us. */
  share({ counted }: { counted: number }): number {
    const { budgetNs, pairs } = this.#plan;
    return budgetNs === null ? counted / (pairs ?? 1) : this.spentNs / budgetNs;
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
        : Math.floor(((budgetNs - this.spentNs) / BLOCKS - this.standNs) / pairNs);
    return Math.max(LEAST_BLOCK_PAIRS, Math.min(Math.round(BLOCK_NS / pairNs), most));
  }
}
