/** What every part of the comparison is given. */
import type { Run } from "../../document/run.ts";

export interface Labelled {
  readonly run: Run;
  readonly label: string;
}

export interface Pair {
  readonly base: Labelled;
  readonly candidate: Labelled;
  /** As asked for; undefined for the default of the clock. */
  readonly margin: number | undefined;
  /** The default by the clock, where it is not the product's own. */
  readonly clockMargin?: ClockMargin | undefined;
}

/** The smallest change by the clock that is worth a verdict on this kind of host, and why. */
export interface ClockMargin {
  readonly share: number;
  /** One sentence, told among the warnings. */
  readonly why: string;
}

/** Times measured under qemu's TCG are those of its translator. */
export function isTimeless(run: Run): boolean {
  return run.environment.clock === "wall" && run.guest?.accelerator === "tcg";
}
