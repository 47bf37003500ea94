/** What every part of the comparison is given. */
import type { Case, Run } from "../../document/run.ts";

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

/** The two sides of one `bench --vs`, whose rounds are pairs. */
export function isPaired({ base, candidate }: Pair): boolean {
  const [one, other] = [base.run.pairing, candidate.run.pairing];
  return one !== undefined && one.session === other?.session && one.side !== other.side;
}

/** Times measured under qemu's TCG are those of its translator. */
export function isTimeless(run: Run): boolean {
  return run.environment.clock === "wall" && run.guest?.accelerator === "tcg";
}

export interface Both {
  readonly id: string;
  readonly base: Case | undefined;
  readonly candidate: Case | undefined;
}

/** Every case that either run has, in the order of the base; those of a session by their place, since each side has its own topology. */
export function casesOf(pair: Pair): Both[] {
  const { base, candidate } = pair;
  if (isPaired(pair)) {
    return base.run.cases.map((item, index) => {
      return { id: item.id, base: item, candidate: candidate.run.cases[index] };
    });
  }
  const ids = [base, candidate].flatMap(({ run }) => run.cases.map((item) => item.id));
  return [...new Set(ids)].map((id) => ({
    id,
    base: base.run.cases.find((item) => item.id === id),
    candidate: candidate.run.cases.find((item) => item.id === id),
  }));
}
