import type { EventOf, MeasuredRound, RunEvent } from "../../document/event.ts";
import type { Truth } from "../../document/truth.ts";
import { spread } from "../../stats/net-latency.ts";
import type { PlannedCase, TruthPlan } from "../plan/plan.ts";
import { TimeFold } from "./time-fold.ts";

type Row = TruthPlan["rows"][number];

/** One side of one row. */
interface Side {
  time: TimeFold;
  /** CPU time per frame of rounds that count, turn by turn. */
  off: number[][];
  /** Ports that lead to another bridge; null for those of all. */
  inner: Set<number> | null;
}

/** An interval within these closes: the measurement may be off by a fifth either way, and no more. */
const CLOSES: readonly [number, number] = [0.8, 1.25];
/** Share of a round that ksoftirqd may run: it wakes now and then for what others do. */
const MOST_KSOFTIRQD = 0.01;
/** Each turn measures each side before its stages and after them. */
const OFF_EVENTS_PER_TURN = 2;

/** `bench truth`, as far as its events tell it. */
export class TruthFold {
  readonly #plan: TruthPlan;
  readonly #sides = new Map<string, Side>();
  readonly #refused = new Map<string, string>();
  readonly #offEvents = new Map<string, number>();
  #timing: string | null = null;
  #error: string | null = null;

  constructor(plan: TruthPlan) {
    this.#plan = plan;
    for (const { base, candidate } of plan.rows) {
      for (const planned of [base, candidate]) {
        this.#sides.set(planned.id, { time: new TimeFold(planned), off: [], inner: null });
      }
    }
  }

  enter(event: RunEvent): void {
    switch (event.act) {
      case "build":
        this.#built(event);
        break;
      case "measure":
        this.#measured(event);
        break;
      case "read-time":
        this.#sides.get(this.#timing ?? "")?.time.read(event);
        break;
      case "refuse":
        this.#refused.set(event.id, event.reason);
        this.#error = null;
        break;
      case "fail":
        this.#error = event.error;
        break;
      default:
    }
  }

  document(): Truth {
    const { turns, rows } = this.#plan;
    return { unit: "ns", turns, error: this.#error, rows: rows.map((row) => this.#row(row)) };
  }

  /** In a chain the legs between bridges are what one more hop adds; their ports lead to each other. */
  #built({ lab, read }: EventOf<"build">): void {
    const side = this.#sides.get(lab);
    if (side === undefined || !lab.startsWith("hop: ")) return;
    const inner = read.ports.filter(({ peer, namespace }) => peer?.namespace === namespace);
    side.inner = new Set(inner.map((port) => port.ifindex));
  }

  #measured({ rounds }: EventOf<"measure">): void {
    const [first] = rounds;
    if (first?.side === "time") this.#timing = first.driver;
    const key = first?.driver ?? "";
    if (first?.side === "off") this.#offEvents.set(key, (this.#offEvents.get(key) ?? 0) + 1);
    const turn = Math.ceil((this.#offEvents.get(key) ?? 0) / OFF_EVENTS_PER_TURN) - 1;
    for (const round of rounds) {
      const side = this.#sides.get(round.driver);
      side?.time.round(round);
      if (side === undefined || round.side !== "off") continue;
      const value = round.measured.metrics.ns_per_frame;
      const counts = value !== undefined && !disturbed(round);
      side.off[turn] = [...(side.off[turn] ?? []), ...(counts ? [value] : [])];
    }
  }

  #row(row: Row): Truth["rows"][number] {
    const { id, what, kind, base, candidate } = row;
    const common = { id, what, kind, base: nameOf(base), candidate: nameOf(candidate) };
    const none = { unobserved: null, observed: null, ratio: null, ci: null, closes: null, n: 0 };
    const reason = this.#refused.get(id);
    if (reason !== undefined) return { ...common, ...none, reason };
    const observed = this.#observed(row);
    if (typeof observed === "string") return { ...common, ...none, reason: observed };
    const pairs = observed.flatMap((net, turn) => {
      const unobserved = this.#unobserved(row, turn);
      return unobserved === null || Number.isNaN(net) ? [] : [{ net, unobserved }];
    });
    if (pairs.length < 2) {
      return { ...common, ...none, n: pairs.length, reason: "fewer than two whole turns" };
    }
    const { value: ratio, ci } = spread(pairs.map(({ net, unobserved }) => net / unobserved));
    return {
      ...common,
      unobserved: spread(pairs.map((pair) => pair.unobserved)),
      observed: spread(pairs.map((pair) => pair.net)),
      ...{ ratio, ci, closes: closes(kind, ci), n: pairs.length, reason: null },
    };
  }

  /** Net nanoseconds of the row's difference, turn by turn; a sentence where there are none. */
  #observed({ timed, base, candidate, stages, steps }: Row): number[] | string {
    const [a, b] = [this.#sides.get(base.id), this.#sides.get(candidate.id)];
    if (a === undefined || b === undefined) return "not measured";
    const sums: number[] = [];
    for (const stage of stages) {
      const long = b.time.net(stage, b.inner);
      const short = timed === "candidate" ? null : a.time.net(stage, null);
      const withheld = long.withheld ?? short?.withheld ?? null;
      if (withheld !== null) return `${stage}: ${withheld}`;
      long.sessions.forEach((value, turn) => {
        const less = short === null ? 0 : (short.sessions[turn] ?? Number.NaN);
        const per = timed === "candidate" ? 1 : steps;
        sums[turn] = (sums[turn] ?? 0) + (value - less) / per;
      });
    }
    return sums.length === 0 ? "no stage was timed" : sums;
  }

  #unobserved({ base, candidate, steps }: Row, turn: number): number | null {
    const of = ({ id }: PlannedCase) => this.#sides.get(id)?.off[turn] ?? [];
    const [before, after] = [of(base), of(candidate)];
    if (before.length === 0 || after.length === 0) return null;
    const difference = (spread(after).value - spread(before).value) / steps;
    return difference > 0 ? difference : null;
  }
}

/** Frames that ksoftirqd took over, or that a poll left for later, waited for something else than the bridge. */
function disturbed({ before, after, durationNs, measured }: MeasuredRound): boolean {
  const squeezed = (after.squeezed ?? 0) - (before.squeezed ?? 0);
  return squeezed > 0 || (measured.ksoftirqdNs ?? 0) > MOST_KSOFTIRQD * durationNs;
}

function closes(kind: Row["kind"], [low, high]: readonly [number, number]): boolean | null {
  const [least, most] = CLOSES;
  if (kind === "bound") return low > 1 ? false : high <= 1 ? true : null;
  if (low >= least && high <= most) return true;
  return high < least || low > most ? false : null;
}

/** Without the row that it is of. */
function nameOf({ id }: PlannedCase): string {
  return id.replace(/^\w+: /, "");
}
