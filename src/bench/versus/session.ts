import { type Case, METRICS } from "../../document/case.ts";
import type { Session } from "../../document/session.ts";
import { LOOKS, spentBetween } from "../../stats/looks.ts";
import type { CaseProgress } from "../progress.ts";
import type { Driver } from "../workloads/workload.ts";
import { Clock } from "./clock.ts";
import { PairedRounds } from "./paired-rounds.ts";
import { type Both, LEAST_PAIRS, type SessionPlan, SIDES } from "./sides.ts";
import { type EventOf, Replay, type Tape } from "./tape.ts";

/** What there is to know of both labs when they stand. */
export type Built = EventOf<"built">["built"];

/** Both sides' labs with their drivers. */
export interface Stand {
  drivers: Both<Driver>;
  built: Built;
  close(): Promise<void>;
}

interface Labs {
  stand: () => Promise<Stand>;
  renew: boolean;
  tape: Tape;
}

/**
 * Measures pairs of adjacent rounds, one of each side in random order, until the interval is narrow
 * enough for the margin or the budget is spent, and enters them into both cases. After some pairs both labs
 * are built anew, since two labs that were asked to be the same differ by their luck, such as their place
 * in memory, by as much as many changes do; where they cannot be (`renew` false), one pair of them has to do.
 * Whether to stop is asked at a few planned looks, and never by what was found. What an earlier process had
 * finished is entered as it was, and its decisions come out again; its last block ends where it was cut off.
 * Throws when a round cannot be measured; what was measured until then stays.
 */
export async function measureSession(
  plan: SessionPlan,
  { stand, renew, tape }: Labs,
  cases: Both<Case>,
  context: CaseProgress & { signal: AbortSignal },
): Promise<void> {
  const rounds = new PairedRounds(plan, cases);
  const clock = new Clock(plan);
  const looks: Session["looks"] = [];
  let stopped: Session["stopped"] = "failed";
  let standing: Stand | null = null;
  const earlier = new Replay(tape.earlier);
  const build = async () => {
    const known = earlier.take("built");
    if (known !== null) {
      enterBuilt(cases, known.built);
      clock.standNs = clock.lap(known.ns);
      return;
    }
    await standing?.close();
    standing = null;
    context.signal.throwIfAborted();
    standing = await stand();
    enterBuilt(cases, standing.built);
    clock.standNs = clock.lap();
    tape.record({ built: standing.built, ns: clock.standNs });
  };
  /** Whether the labs of now went with the process that had built them. */
  const cutOff = () => standing === null && !earlier.has("pair");
  const measure = async () => {
    if (cutOff()) await build();
    const known = earlier.take("pair");
    if (known !== null) {
      rounds.enter(known.pair);
      clock.lap(known.ns);
    } else {
      if (standing === null) throw new RangeError("a pair without labs");
      context.signal.throwIfAborted();
      const pair = await rounds.measure(standing.drivers);
      rounds.enter(pair);
      tape.record({ pair, ns: clock.lap() });
    }
    context.progress(told(rounds, clock));
    context.finished(rounds.pairs, rounds.last);
  };
  try {
    await build();
    const warmUpBegan = clock.spentNs;
    do await measure();
    while (!rounds.warm(clock.share(rounds)));
    const pairNs = (clock.spentNs - warmUpBegan) / rounds.pairs;
    const each = renew ? clock.blockPairs(pairNs) : Number.POSITIVE_INFINITY;
    for (;;) {
      if (renew) await build();
      rounds.nextBlock();
      for (let pair = 0; pair < each && !clock.due(rounds, looks); pair++) {
        if (renew && pair > 0 && cutOff()) break;
        await measure();
      }
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

function enterBuilt(cases: Both<Case>, built: Built): void {
  for (const side of SIDES) {
    const { setupNs, warnings, ...known } = built[side];
    const one = cases[side];
    Object.assign(one, known);
    one.warnings = [...new Set([...one.warnings, ...warnings])];
    if (setupNs === null) continue;
    one.metrics.setup_time ??= { ...METRICS.setup_time, samples: [] };
    one.metrics.setup_time.samples.push(setupNs);
  }
}

function told(rounds: { pairs: number }, clock: Clock): string {
  const { measurement, budgetNs, pairs } = clock.plan;
  const again = measurement > 1 ? ", measured again" : "";
  const of =
    budgetNs === null
      ? ` of ${pairs} and their warm-up`
      : `, ${Math.min(100, Math.round((clock.spentNs / budgetNs) * 100))} % of the budget`;
  return `pair ${rounds.pairs}${of}${again}`;
}
