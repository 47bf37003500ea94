/**
 * The proof that net stages are right: what one more bridge and one more veth crossing cost frames that nobody watches
 * (the slope over chains of different lengths) against the stages of one hop, each net of its two probes.
 */
import type { Case } from "../document/case.ts";
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

/** Chains of one kind under one workload in a run, and how well their stages are net of the probes. */
export interface ClosedChains extends ChainClosure {
  /** Ids of the cases. */
  cases: string[];
  bridges: number[];
  stages: Record<HopStage, number>;
}

/** A run's chains that were counted in instructions; the stages are the longest one's, in which most hops lie between others. */
export function closedChains(cases: readonly Case[]): ClosedChains[] {
  const groups = new Map<string, Case[]>();
  for (const one of cases) {
    const [, rest] = /^chain:\d+(.*)$/.exec(one.id) ?? [];
    if (rest !== undefined) groups.set(rest, [...(groups.get(rest) ?? []), one]);
  }
  return [...groups.values()].flatMap((group) => {
    const chains = group.map(({ lab, metrics }) => ({
      bridges: lab.bridge?.inSeries ?? 1,
      samples: metrics.instructions_per_frame?.samples ?? [],
    }));
    const bridges = chains.map((one) => one.bridges);
    const longest = group[bridges.indexOf(Math.max(...bridges))];
    const [forward, out] = HOP_STAGES.map((stage) => longest?.latency[stage]?.estimate?.value);
    if (forward === undefined || out === undefined) return [];
    const stages = { "bridge.forward": forward, "veth.out": out };
    const closure = chainClosure(chains, stages);
    return closure === null
      ? []
      : [{ ...closure, cases: group.map(({ id }) => id), bridges, stages }];
  });
}
