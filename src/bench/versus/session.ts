import type { Case } from "../../document/case.ts";
import type { Session } from "../../document/session.ts";
import { LOOKS, spentBetween } from "../../stats/looks.ts";
import type { CaseProgress } from "../progress.ts";
import type { Driver } from "../workloads/workload.ts";
import { Clock } from "./clock.ts";
import { PairedRounds } from "./paired-rounds.ts";
import { type Both, LEAST_PAIRS, type SessionPlan, SIDES } from "./sides.ts";

/** Both sides' labs with their drivers. */
export interface Stand {
  drivers: Both<Driver>;
  close(): Promise<void>;
}

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

function told(rounds: { pairs: number }, clock: Clock): string {
  const { measurement, budgetNs, pairs } = clock.plan;
  const again = measurement > 1 ? ", measured again" : "";
  const of =
    budgetNs === null
      ? ` of ${pairs} and their warm-up`
      : `, ${Math.min(100, Math.round((clock.spentNs() / budgetNs) * 100))} % of the budget`;
  return `pair ${rounds.pairs}${of}${again}`;
}
