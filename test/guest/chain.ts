import type { StageCounts } from "../../src/document/event.ts";
import type { FunctionBackend } from "../../src/probes/functions.ts";
import type { HopStage, UnobservedChain } from "../../src/stats/chain.ts";

/** What the script in the guest is asked for, as its only argument. */
export interface ChainRequest {
  /** Bridges in series of the chains that nobody watches. */
  chains: readonly number[];
  /** Labs of each, every one with bridges and FDB seeds of its own. */
  labs: number;
  /** Bridges of the chain whose hops are counted, and its labs for each stage. */
  watched: { bridges: number; labs: number };
  /** By which hops are counted. */
  hops: readonly FunctionBackend[];
  /** By which the empty path of the calibration is held against one that is a function longer. */
  emptyPaths: readonly FunctionBackend[];
}

/** What it prints, as JSON. */
export interface ChainReport {
  /** Instructions of a frame in each lab without probes. */
  unobserved: UnobservedChain[];
  hops: { backend: FunctionBackend; stages: Record<HopStage, StageCounts> }[];
  /** What was read of the empty path, probes and all, less what the path is said to hold itself. */
  emptyPaths: { backend: FunctionBackend; usual: number; longer: number }[];
}
