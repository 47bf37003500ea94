import type { TimeProbe } from "../../document/event.ts";
import { shuffled } from "../../stats/random.ts";
import { CutOff, doing, lacksPrerequisite, type Schedule, takeDown } from "../engine/schedule.ts";
import type { TruthPlan } from "../plan/plan.ts";
import { timeSession } from "./rounds.ts";

/** The stages of every row lie between these ends; the empty path is taken out of them. */
const PROBES: readonly TimeProbe[] = ["bridge", "empty"];

type Row = TruthPlan["rows"][number];

/**
 * Stage times held against what nobody watched. All labs stand at once; a turn measures every row, in random order: both
 * sides without probes, then the stages, then both sides without probes again, so that what drifts on the host is the
 * same for both. A row that this kernel cannot build is refused with its reason. Cut off, it goes on with all labs anew.
 */
export function* truthRows(plan: TruthPlan, seed: number): Schedule {
  const order = shuffled(seed);
  const refused = new Set<string>();
  let turn = 0;
  let steps: (() => Schedule)[] = [];
  while (turn < plan.turns) {
    try {
      const rows: Row[] = [];
      for (const row of plan.rows) {
        if (!refused.has(row.id) && (yield* stand(row, plan, refused))) rows.push(row);
      }
      if (rows.length === 0) break;
      while (turn < plan.turns) {
        if (steps.length === 0) {
          const say = `turn ${turn + 1} of ${plan.turns}`;
          steps = order(rows).flatMap((row) => stepsOf(row, plan, `${say}, ${row.id}`));
        }
        for (let step = steps[0]; step !== undefined; step = steps[0]) {
          yield* step();
          steps.shift();
        }
        turn++;
      }
    } catch (error) {
      if (!(error instanceof CutOff)) throw error;
    }
  }
  yield* takeDown();
}

/** Builds both labs of a row; false where this kernel cannot. */
function* stand(row: Row, plan: TruthPlan, refused: Set<string>): Schedule<boolean> {
  try {
    for (const planned of [row.base, row.candidate]) {
      const { id, topology } = planned;
      yield* doing({ act: "build", lab: id, topology, say: `building ${topology.label}` });
      yield* doing({ act: "prepare", lab: id, driver: id, planned });
      yield* doing({ act: "warm-up", driver: id, durationNs: plan.roundNs });
    }
    return true;
  } catch (error) {
    if (!lacksPrerequisite(error)) throw error;
    refused.add(row.id);
    yield* doing({ act: "refuse", id: row.id, reason: error.event.error });
    return false;
  }
}

/** A row's part of a turn, each step so small that nothing of it is worth keeping by half. */
function stepsOf(row: Row, plan: TruthPlan, say: string): (() => Schedule)[] {
  const off = function* (): Schedule {
    const sides = [row.base, row.candidate, row.candidate, row.base];
    yield* doing({
      ...{ act: "measure", durationNs: plan.roundNs, keep: "metrics", say },
      drivers: sides.map(({ id }) => ({ driver: id, side: "off" as const })),
    });
  };
  const sides = row.timed === "candidate" ? [row.candidate] : [row.base, row.candidate];
  const sessions = sides.flatMap((planned) =>
    PROBES.map((probe) => () => {
      const { id } = planned;
      const where = { lab: id, driver: id, durationNs: plan.roundNs, keep: "metrics" } as const;
      return timeSession(planned, probe, where);
    }),
  );
  return [off, ...sessions, off];
}
