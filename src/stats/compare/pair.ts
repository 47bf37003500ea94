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
}

/** The two sides of one `bench --vs`, whose rounds are pairs. */
export function isPaired({ base, candidate }: Pair): boolean {
  const [one, other] = [base.run.pairing, candidate.run.pairing];
  return one !== undefined && one.session === other?.session && one.side !== other.side;
}

/** Times measured under qemu's TCG are those of its translator. */
export function isTimeless(run: Run): boolean {
  return run.environment.clock === "wall" && run.guest?.accelerator === "tcg";
}
