/** Where a run stands, told while it runs. */
import type { MetricName } from "./case.ts";

/** A measured round that is finished, by the one number that says most while watching: a rate where it has one. */
export interface RoundProgress {
  /** From 1 on, within its case. */
  index: number;
  metric: MetricName;
  value: number;
  unit: string;
}

interface Standing {
  /** Cases that are done, and how many there are. */
  done: number;
  total: number;
  /** Id of the case in hand, or what is done before the first. */
  current: string;
  /** What is being done, in words: `building the lab`, `round 4 of 7`. */
  what: string;
  /** Measured rounds of the case in hand that are finished, and planned; null before the first case. */
  rounds: { done: number; total: number } | null;
  /** Nanoseconds since the run began. */
  elapsedNs: number;
  /** Nanoseconds until it ends, from the plan and from what the finished cases took; never negative. */
  remainingNs: number;
}

/** `phase`: something else is done from now on. `round`: a measured round has just finished. */
export type RunProgress = Standing &
  (
    | {
        event: "phase";
        /** The last finished round of the case in hand; null before there is one. */
        round: RoundProgress | null;
      }
    | { event: "round"; round: RoundProgress }
  );
