/** What a cause of loss says: it reads what was lost, the state of the bridge and what was counted, and speaks up where they show it. */

import type { BridgeState } from "../../../bridge/state.ts";
import type { LossCause as Name } from "../../../document/explain.ts";
import type { Collected, Lost } from "../../../live/collect.ts";
import type { Why } from "../cause.ts";

/** Frames of one flow that should have left and left nowhere, or copies that were lost behind their port. */
export interface Loss extends Omit<Lost, "where"> {
  /** Null where no drop was seen: they came in, and no port got a copy. */
  where: string | null;
  /** Frames of that flow that came in meanwhile; null where that was not counted. */
  came: number | null;
}

export interface LossContext {
  /** The bridge when frames began to be looked at, and as it was read last. */
  before: BridgeState;
  state: BridgeState;
  collected: Collected;
}

export type LossWhy = Omit<Why, "cause"> & {
  cause: Name;
  /** `policy` is what somebody evidently asked for. */
  kind: "loss" | "policy";
  /** What tells it, one sentence each; more than that the frames were dropped. */
  evidence: string[];
};

/** `right`: a bridge that works drops these. Null where it is another cause. */
export type LossCause = (loss: Loss, context: LossContext) => LossWhy | "right" | null;
