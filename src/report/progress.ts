/** A run's progress in one line of ASCII. */
import type { RunProgress } from "../document/progress.ts";
import { ascii, clip } from "../text/printable.ts";
import { quantity } from "../text/units.ts";

const GAP = "  ";

/** `[3/13] bridge:4/flood`: the case in hand. */
export function progressHead({ done, total, current, rounds }: RunProgress): string {
  return `[${rounds === null ? done : done + 1}/${total}] ${current}`;
}

/** `round 4 of 7  146 k frames/s  1 min 12 s left`: what is done, the last round's number, the time to come. */
export function progressWords({ event, what, rounds, round, remainingNs }: RunProgress): string {
  // What follows the last round is no round, and its number is not of it.
  const measuring = event === "round" || (rounds !== null && rounds.done < rounds.total);
  const number = round === null || !measuring ? [] : [quantity(round.value, round.unit)];
  return [what, ...number, `${timeLeft(remainingNs)} left`].join(GAP);
}

/** Both in at most `width` columns; where there is little room the middle of the head goes first. Any text is safe. */
export function progressText(head: string, words: string, width: number): string {
  const rest = ascii(words);
  const room = Math.max(width - GAP.length - rest.length, Math.floor(width / 4));
  const whole = ascii(head);
  // The mark of a cut takes three columns in ASCII.
  const shown = whole.length <= room ? whole : ascii(clip(whole, Math.max(1, room - 2)));
  return (shown + GAP + rest).slice(0, width);
}

/** Whole seconds, rounded up: `8 s`, `1 min 12 s`, `2 h 5 min`. */
export function timeLeft(ns: number): string {
  const seconds = Math.max(1, Math.ceil(ns / 1e9));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
