import { seededRandom } from "../../stats/random.ts";
import { CutOff, doing, type Schedule } from "../engine/schedule.ts";
import { missedBurst } from "../fold/faults.ts";
import { type PlannedCase, SLOT } from "../plan/plan.ts";

/** Attempts at a case whose account is not whole before it is reported as it is. */
const ATTEMPTS = 3;

/**
 * One case by the wall clock: rounds with the probes, which give counts and stages, then as many without, which give
 * the metrics; without a backend only those. Counts that missed a burst of frames are taken again, in a lab of their
 * own. Cut off, it goes on in a new lab: counts that were not read are taken again, and no other round is.
 */
export function* caseRounds(
  planned: PlannedCase,
  { watched, seed }: { watched: boolean; seed: number },
): Schedule {
  const side = watched ? "off" : "base";
  const unwatched = watched ? ", without probes" : "";
  const effect = probeEffect(planned, SLOT, seed);
  let counted = !watched;
  let attempt = 1;
  let done = 0;
  for (;;) {
    try {
      const lab = SLOT;
      yield* doing({ act: "build", lab, topology: planned.topology, say: "building the lab" });
      if (!counted) yield* doing({ act: "attach", lab, planned, say: "attaching the probes" });
      yield* doing({ act: "prepare", lab, driver: SLOT, planned });
      yield* doing({
        ...{ act: "warm-up", driver: SLOT, durationNs: planned.warmUpNs },
        say: "warming up",
      });
      if (!counted) {
        const fault = yield* countRounds(planned);
        if (fault !== null && attempt < ATTEMPTS) {
          yield* doing({ act: "close" });
          yield* doing({ act: "discard", attempt, reason: fault });
          attempt++;
          continue;
        }
        counted = true;
      }
      while (done < planned.rounds) {
        yield* doing({
          ...{ act: "measure", drivers: [{ driver: SLOT, side }] },
          durationNs: planned.durationNs,
          say: `round ${done + 1} of ${planned.rounds}${unwatched}`,
        });
        done++;
      }
      if (watched) yield* effect.pairs();
      return;
    } catch (error) {
      if (!(error instanceof CutOff)) throw error;
    }
  }
}

/** Rounds under the probes, and one for what these cost; gives why their counts are worth nothing, or null. */
function* countRounds(planned: PlannedCase): Schedule<string | null> {
  const rounds: number[] = [];
  const read = () => doing({ act: "read", lab: SLOT, rounds, say: "reading the probes" });
  try {
    for (let mark = 1; mark <= planned.rounds; mark++) {
      yield* doing({
        ...{ act: "measure", drivers: [{ driver: SLOT, side: "on" }], mark },
        durationNs: planned.durationNs,
        say: `round ${mark} of ${planned.rounds}`,
      });
      rounds.push(mark);
    }
    yield* doing({
      ...{ act: "cost", driver: SLOT, durationNs: planned.durationNs },
      say: "measuring what the probes cost",
    });
  } catch (error) {
    // Rounds that were finished keep their counts, unless the probes went with their process.
    if (!(error instanceof CutOff)) yield* read();
    throw error;
  }
  return missedBurst((yield* read()).counted);
}

/**
 * Rounds with the probes on and off, in pairs of adjacent rounds whose order is drawn at random. Attaching takes a
 * second, so the pairs alternate in seconds. `pairs` goes on where it was cut off.
 */
function probeEffect(planned: PlannedCase, slot: string, seed: number): { pairs(): Schedule } {
  const random = seededRandom(seed);
  const orders = Array.from({ length: planned.probeEffectPairs }, () =>
    random() < 0.5 ? (["on", "off"] as const) : (["off", "on"] as const),
  );
  const { durationNs, probeEffectPairs: wanted } = planned;
  let done = 0;
  const round = (side: "on" | "off", say: string) =>
    doing({
      ...{ act: "measure", drivers: [{ driver: slot, side }], purpose: "probe effect", durationNs },
      ...(side === "on" ? { mark: 1 } : {}),
      say,
    });
  return {
    *pairs() {
      for (const order of orders.slice(done)) {
        const say = `probes on against off, pair ${done + 1} of ${wanted}`;
        for (const side of order) {
          if (side === "on") yield* doing({ act: "attach", lab: slot, planned });
          yield* round(side, say);
          if (side === "on") yield* doing({ act: "detach", lab: slot });
        }
        done++;
      }
    },
  };
}
