import { CALIBRATION_ROUND, type CountedStage, countedStages } from "../../probes/counted.ts";
import { BridgescopeError } from "../../system/errors.ts";
import { CutOff, doing, type Schedule } from "../engine/schedule.ts";
import { type PlannedCase, SLOT } from "../plan/plan.ts";

/**
 * One case on a machine whose clock counts instructions: first rounds without probes, then rounds for each stage with
 * nothing but that stage's two probes. Every round has a lab of its own, since the seed of the FDB's hash is drawn
 * with every bridge and shifts what a look-up takes. `refusal` says why a stage cannot be counted here, or null; it
 * is itself null where nothing is probed.
 */
export function* icountRounds(
  planned: PlannedCase,
  refusal: ((stage: CountedStage) => string | null) | null,
): Schedule {
  let measured = 0;
  for (let turn = 1; turn <= planned.rounds; turn++) {
    const say = `round ${turn} of ${planned.rounds}, without probes`;
    // The sender's own code takes fewer instructions once the engine has optimised it.
    yield* untilDone(
      () => measured >= turn,
      function* () {
        yield* freshRound(planned, { warmUp: true, say, finished: () => measured++ });
      },
    );
  }
  const inChain = planned.topology.kind === "chain";
  if (refusal === null || (planned.topology.kind !== "bridge" && !inChain)) return;
  for (const stage of countedStages(planned.workload.stages, inChain)) {
    const reason = refusal(stage);
    if (reason !== null) {
      yield* doing({ act: "refuse", id: stage, reason });
      continue;
    }
    measured = yield* stageRounds(planned, stage, measured);
  }
}

function* stageRounds(planned: PlannedCase, stage: CountedStage, before: number): Schedule<number> {
  let measured = before;
  let read = false;
  yield* untilDone(
    () => read,
    function* () {
      const rounds: number[] = [];
      yield* doing({
        ...{ act: "attach-stage", stage, inChain: planned.topology.kind === "chain" },
        say: `attaching the probes of ${stage}`,
      });
      for (let turn = 1; turn <= planned.rounds; turn++) {
        const mark = measured + 1;
        if (mark >= CALIBRATION_ROUND) throw new BridgescopeError("too many rounds for one case");
        const say = `${stage}, round ${turn} of ${planned.rounds}`;
        const finished = () => {
          rounds.push(mark);
          measured++;
        };
        yield* freshRound(planned, { mark, say, finished });
      }
      yield* doing({ act: "read-stage", stage, rounds });
      read = true;
      yield* doing({ act: "close" });
    },
  );
  return measured;
}

interface Fresh {
  /** Absent where the first frames may be among those that are counted: a mode does not mind them. */
  warmUp?: boolean;
  /** Tells the probes which round it is; absent in a round without probes. */
  mark?: number;
  say: string;
  finished(): void;
}

/** One round on a lab that nothing has passed before. */
function* freshRound(planned: PlannedCase, fresh: Fresh): Schedule {
  const { warmUp = false, mark, say, finished } = fresh;
  yield* doing({ act: "build", lab: SLOT, topology: planned.topology, say });
  yield* doing({ act: "prepare", lab: SLOT, driver: SLOT, planned });
  if (warmUp) yield* doing({ act: "warm-up", driver: SLOT, durationNs: planned.warmUpNs });
  const side = mark === undefined ? "off" : "time";
  yield* doing({
    ...{ act: "measure", drivers: [{ driver: SLOT, side }], durationNs: planned.durationNs },
    ...(mark === undefined ? {} : { mark }),
    keep: mark === undefined ? "instructions" : "nothing",
  });
  finished();
  yield* doing({ act: "close", lab: SLOT });
}

/** What is cut off before it is done is done again from its beginning. */
function* untilDone(done: () => boolean, body: () => Schedule): Schedule {
  while (!done()) {
    try {
      yield* body();
    } catch (error) {
      if (!(error instanceof CutOff)) throw error;
    }
  }
}
