import type { Decisions } from "../document/run.ts";

/** What a frame is, in the order of the programs' codes: bridge.bt has them from 1 on, watch.bt from 0. */
export const CLASSES = [
  "unknownUnicast",
  "knownUnicast",
  "broadcast",
  "multicast",
  "local",
] as const satisfies readonly (keyof Decisions)[];

/** Decisions of frames that left a bridge or went up to its host: `count(n)` of them are of `CLASSES[n]`. */
export function byClass(count: (index: number) => number): Omit<Decisions, "filtered"> {
  const of = (name: (typeof CLASSES)[number]) => count(CLASSES.indexOf(name));
  return {
    knownUnicast: of("knownUnicast"),
    unknownUnicast: of("unknownUnicast"),
    broadcast: of("broadcast"),
    multicast: of("multicast"),
    local: of("local"),
  };
}
