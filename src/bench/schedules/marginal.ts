import { shuffled } from "../../stats/random.ts";
import { CutOff, doing, lacksPrerequisite, type Schedule, takeDown } from "../engine/schedule.ts";
import type { MarginalPlan, PlannedCase } from "../plan/plan.ts";

/**
 * What one more port, entry or rule costs. All labs stand at once and no probe is attached; each round measures every
 * case once, in random order, so that what drifts on the host is the same for all. A case that this kernel cannot
 * build is refused with its reason. Cut off, it goes on with all labs built anew.
 */
export function* marginalCosts(plan: MarginalPlan, seed: number): Schedule {
  const order = shuffled(seed);
  const refused = new Set<string>();
  let round = 0;
  let turn: PlannedCase[] = [];
  while (round < plan.rounds) {
    try {
      const cases = yield* stand(plan.cases, refused);
      if (cases.length === 0) break;
      for (const { id } of cases) {
        yield* doing({ act: "warm-up", driver: id, durationNs: plan.roundNs });
      }
      while (round < plan.rounds) {
        if (turn.length === 0) turn = [...order(cases)];
        yield* doing({
          ...{ act: "measure", durationNs: plan.roundNs, keep: "metrics" },
          drivers: turn.map(({ id }) => ({ driver: id, side: "off" as const })),
          say: `round ${round + 1} of ${plan.rounds}, ${cases.length} labs`,
        });
        turn = [];
        round++;
      }
    } catch (error) {
      if (!(error instanceof CutOff)) throw error;
    }
  }
  yield* takeDown();
}

/** Builds the lab of each case that was not refused before; cases of one topology share theirs. */
function* stand(planned: readonly PlannedCase[], refused: Set<string>): Schedule<PlannedCase[]> {
  const labs = new Set<string>();
  const standing: PlannedCase[] = [];
  for (const one of planned) {
    const { topology, id } = one;
    if (refused.has(id)) continue;
    try {
      const lab = topology.label;
      if (!labs.has(lab)) yield* doing({ act: "build", lab, topology, say: `building ${lab}` });
      labs.add(lab);
      yield* doing({ act: "prepare", lab, driver: id, planned: one });
      standing.push(one);
    } catch (error) {
      if (!lacksPrerequisite(error)) throw error;
      refused.add(id);
      yield* doing({ act: "refuse", id, reason: error.event.error });
    }
  }
  return standing;
}
