/** How much of each case is drawn, so that a plan of a hundred cases still makes a file to forward. */

export interface Detail {
  /** Ports drawn and listed per case; the others are summed up. */
  readonly ports: number;
  /** Whether ports are drawn by decision, or only listed. */
  readonly portFigures: boolean;
  /** Steps of a latency distribution. */
  readonly bins: number;
  /** Ports whose books are listed per case, besides those that do not balance. */
  readonly books: number;
  /** Metrics drawn round by round per case. */
  readonly strips: number;
}

/** The first that fits is taken. */
export const DETAILS: readonly Detail[] = [
  { ports: 12, portFigures: true, bins: 120, books: 40, strips: 100 },
  { ports: 6, portFigures: true, bins: 70, books: 8, strips: 3 },
  { ports: 3, portFigures: false, bins: 32, books: 0, strips: 2 },
];

/** Bytes of a page. */
export const LARGEST_PAGE = 1_990_000;
