import type { MeasuredRound, RunEvent } from "../../document/event.ts";
import { type ForeignProbe, foreignKey, foreignText } from "../../document/foreign.ts";

/** Other people's probes as far as events have told of them. */
export class ForeignSeen {
  readonly #seen = new Map<string, ForeignProbe>();
  #looked = false;

  enter(event: RunEvent): void {
    if (!("foreign" in event) || event.foreign === undefined) return;
    this.#looked = true;
    for (const one of event.foreign) {
      const key = foreignKey(one);
      if (!this.#seen.has(key)) this.#seen.set(key, one);
    }
  }

  /** All of them; null where nobody could look. */
  get all(): ForeignProbe[] | null {
    return this.#looked ? [...this.#seen.values()] : null;
  }

  named(keys: Iterable<string>): ForeignProbe[] {
    return [...keys].flatMap((key) => this.#seen.get(key) ?? []);
  }

  /** What came or went while these adjacent rounds were measured, as a reason for which they do not count; null if nothing. */
  change(rounds: readonly MeasuredRound[]): string | null {
    const { came, went } = changeDuring(rounds);
    const parts = [
      ...(came.length > 0 ? [`came (${this.#words(came)})`] : []),
      ...(went.length > 0 ? [`went (${this.#words(went)})`] : []),
    ];
    return parts.length === 0 ? null : `other people's probes ${parts.join(" and ")}`;
  }

  #words(keys: readonly string[]): string {
    const named = this.named(keys);
    return named.length === 0 ? keys.join(", ") : foreignText(named);
  }
}

/** Keys of the probes that were there at some time of the round. */
export function presentIn({ before, after }: MeasuredRound): string[] {
  return [...new Set([...(before.foreign ?? []), ...(after.foreign ?? [])])];
}

/** Keys of the probes that were there in one reading of these adjacent rounds and not in the next one. */
export function changeDuring(rounds: readonly MeasuredRound[]): { came: string[]; went: string[] } {
  const readings = rounds.flatMap(({ before, after }) => [before.foreign, after.foreign]);
  const came = new Set<string>();
  const went = new Set<string>();
  for (const [index, now] of readings.entries()) {
    const then = readings[index - 1];
    if (then === undefined || now === undefined) continue;
    for (const key of now) if (!then.includes(key)) came.add(key);
    for (const key of then) if (!now.includes(key)) went.add(key);
  }
  return { came: [...came], went: [...went] };
}
