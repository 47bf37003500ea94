import type { EventOf } from "../../document/event.ts";
import type { Schedule } from "../engine/schedule.ts";

/**
 * Boots of several kernels, as many at once as there are lanes: first each kernel's first boot, so that a kernel that
 * fails is known early. A kernel that failed is not booted again, and the others go on.
 */
export function* boots(kernels: number, each: number, lanes: number): Schedule {
  const failed = new Set<number>();
  let turns = Array.from({ length: each }, (_, boot) =>
    Array.from({ length: kernels }, (_, kernel) => ({ act: "boot" as const, kernel, boot })),
  ).flat();
  while (turns.length > 0) {
    const now = turns.slice(0, lanes);
    const events = yield now;
    for (const [index, { kernel }] of now.entries()) {
      if (events[index]?.act === "fail") failed.add(kernel);
    }
    turns = turns.slice(lanes).filter(({ kernel }) => !failed.has(kernel));
  }
}

/** The documents of one kernel's boots, in the order of the boots. */
export function bootsOf(events: readonly EventOf<"boot">[], kernel: number): EventOf<"boot">[] {
  return events.filter((event) => event.kernel === kernel).toSorted((a, b) => a.boot - b.boot);
}
