/** Two variants, and how one measurement of both is to be made. */
export const SIDES = ["base", "candidate"] as const;
export type SideName = (typeof SIDES)[number];

/** One of each side. */
export type Both<T> = Record<SideName, T>;

export interface SessionPlan {
  measurement: number;
  seed: number;
  roundNs: number;
  /** Time for everything, the warm-up included; null where `pairs` says how long. */
  budgetNs: number | null;
  /** Pairs that count, where a person gave their number: then there is one look, at the end. */
  pairs: number | null;
  margin: number;
  /** Share of errors that this case may make over all looks. */
  alpha: number;
}

/** Pairs without which nothing is said of the end of a warm-up, or of a ratio. */
export const LEAST_PAIRS = 20;
/** Pairs of a block: of one pair of labs. */
export const LEAST_BLOCK_PAIRS = 4;
