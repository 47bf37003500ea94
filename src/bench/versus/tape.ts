import type { SessionEvent } from "../journal/line.ts";

/** Where a session writes down what is finished, and what an earlier process had finished of it. */
export interface Tape {
  earlier: readonly SessionEvent[];
  record(event: SessionEvent): void;
}

/** Of a session that is kept by nobody but its caller. */
export const NO_TAPE: Tape = { earlier: [], record: () => {} };

type Kind = "built" | "pair";
export type EventOf<K extends Kind> = Extract<SessionEvent, Record<K, unknown>>;

/** Hands out a session's earlier events in their order. */
export class Replay {
  readonly #events: SessionEvent[];

  constructor(events: readonly SessionEvent[]) {
    // Labs in which nothing was measured are as if they had not been.
    this.#events = events.filter((event, index) => {
      const next = events[index + 1];
      return isA("pair", event) || (next !== undefined && isA("pair", next));
    });
  }

  /** Whether the next event is of this kind. */
  has(kind: Kind): boolean {
    const [next] = this.#events;
    return next !== undefined && isA(kind, next);
  }

  /** The next event, which is taken, where it is of this kind; else null. */
  take<K extends Kind>(kind: K): EventOf<K> | null {
    const [next] = this.#events;
    if (next === undefined || !isA(kind, next)) return null;
    this.#events.shift();
    return next;
  }
}

/** Pairs of rounds among these events. */
export function pairsIn(events: readonly SessionEvent[]): number {
  return events.filter((event) => isA("pair", event)).length;
}

function isA<K extends Kind>(kind: K, event: SessionEvent): event is EventOf<K> {
  return kind in event;
}
