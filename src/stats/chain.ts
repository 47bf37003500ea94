/**
 * The proof that net stages are right: what one more bridge and one more veth crossing cost frames that nobody watches
 * (the slope over chains of different lengths) against the stages of one hop, each net of its two probes.
 */
import { slopeOfModes } from "./slope.ts";

/** The stages that follow each other in a hop of a chain without gap or overlap. */
export const HOP_STAGES = ["bridge.forward", "veth.out"] as const;
export type HopStage = (typeof HOP_STAGES)[number];

/** A chain that nobody watches. */
export interface UnobservedChain {
  bridges: number;
  /** What a frame took from the sender's call to the last host: one number a round. */
  samples: readonly number[];
}

/** What is held against each other, in the unit of what came in. */
export interface ChainClosure {
  /** One hop, without any probe. */
  unobserved: number;
  /** The sum of a hop's net stages. */
  observed: number;
  /** `observed / unobserved`; 1 where just the probes were taken out. */
  ratio: number;
}

/** For numbers that are exact, as instructions are. Null under two lengths of chains, or with one that has no samples. */
export function chainClosure(
  chains: readonly UnobservedChain[],
  stages: Readonly<Record<HopStage, number>>,
): ChainClosure | null {
  const unobserved = slopeOfModes(
    chains.map(({ bridges }) => bridges),
    chains.map(({ samples }) => samples),
  );
  if (unobserved === null || unobserved <= 0) return null;
  const observed = HOP_STAGES.reduce((sum, stage) => sum + stages[stage], 0);
  return { unobserved, observed, ratio: observed / unobserved };
}
