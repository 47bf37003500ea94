/** What every part of the comparison is given. */
import type { Case, Round, Run } from "../../document/run.ts";

/** The runs of one side. What makes them alike, such as the kernel, is read from the first. */
export interface Labelled {
  readonly run: Run;
  /** All of them, at least one, in the order of their start. */
  readonly runs: readonly Run[];
  readonly label: string;
}

export interface Pair {
  readonly base: Labelled;
  readonly candidate: Labelled;
  /** As asked for; undefined for the default of the clock. */
  readonly margin: number | undefined;
  /** Share of errors that each case may make where several runs are compared. */
  readonly alpha: number;
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

/** Whether a side has several runs, so that how much they vary is known. */
export function isRepeated({ base, candidate }: Pair): boolean {
  return base.runs.length > 1 || candidate.runs.length > 1;
}

/** The case of that id in each run of the side that has it. */
export function casesNamed({ runs }: Labelled, id: string): { run: Run; item: Case }[] {
  return runs.flatMap((run) => {
    const item = run.cases.find((one) => one.id === id);
    return item === undefined ? [] : [{ run, item }];
  });
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
  const sides = [base, candidate].map(
    ({ runs }) =>
      // The first of an id counts, as in casesNamed.
      new Map(
        runs.flatMap((run) => run.cases.map((item) => [item.id, item] as const)).toReversed(),
      ),
  );
  const [before, after] = sides;
  const ids = [base, candidate].flatMap(({ runs }) =>
    runs.flatMap((run) => run.cases.map((item) => item.id)),
  );
  return [...new Set(ids)].map((id) => ({
    id,
    base: before?.get(id),
    candidate: after?.get(id),
  }));
}

/**
 * Which boot a round was of, over all runs of a side: one kernel booted twice with one seed and padding is the
 * same boot again, to the instruction, and no more evidence than one.
 */
export function bootOf(run: Run, round: Pick<Round, "boot">): string {
  const boot = round.boot ?? 0;
  const known = run.guest?.boots[boot];
  return known === undefined ? `${run.id}/${boot}` : `${known.seed}/${known.padding}`;
}
