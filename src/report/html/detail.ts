/** How much of each case is drawn, so that a plan of a hundred cases still makes a file to forward. */

export interface Detail {
  /** Ports drawn and listed per case; the others are summed up. */
  readonly ports: number;
  /** Whether ports are drawn by decision, or only listed. */
  readonly portFigures: boolean;
  /** Cases whose frames' way is drawn. */
  readonly ways: number;
  /** Steps of a latency distribution. */
  readonly bins: number;
  /** Ports whose books are listed per case, besides those that do not balance. */
  readonly books: number;
  /** Metrics drawn round by round per case. */
  readonly strips: number;
  /** Whether each round says what it is when it is pointed at. */
  readonly roundTips: boolean;
}

/** The first that fits is taken. */
export const DETAILS: readonly Detail[] = [
  { ports: 12, portFigures: true, ways: 1000, bins: 120, books: 40, strips: 100, roundTips: true },
  { ports: 6, portFigures: true, ways: 40, bins: 70, books: 8, strips: 3, roundTips: false },
  { ports: 3, portFigures: false, ways: 8, bins: 32, books: 0, strips: 2, roundTips: false },
];

/** Bytes of a page. */
export const LARGEST_PAGE = 1_990_000;
