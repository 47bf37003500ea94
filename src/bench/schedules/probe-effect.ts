import { seededRandom } from "../../stats/random.ts";
import { doing, type Schedule } from "../engine/schedule.ts";
import type { PlannedCase } from "../plan/plan.ts";

/**
 * Rounds with the probes on and off, in pairs of adjacent rounds whose order is drawn at random. Attaching takes a
 * second, so the pairs alternate in seconds. `pairs` goes on where it was cut off.
 */
export function probeEffect(
  planned: PlannedCase,
  slot: string,
  seed: number,
): { pairs(): Schedule } {
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
