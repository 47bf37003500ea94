import type { Decisions } from "../document/run.ts";

/** What a frame is, in the order of the programs' codes: bridge.bt has them from 1 on, watch.bt from 0. */
export const CLASSES = [
  "unknownUnicast",
  "knownUnicast",
  "broadcast",
  "multicast",
  "local",
] as const satisfies readonly (keyof Decisions)[];

/**
 * What became of the `ingress` frames of a port, of which `left(n)` of class `CLASSES[n]` left by any port or went up to the
 * host: the rest is filtered. Less than none is where frames were counted that left, and not that they came.
 */
export function decisionsOf(ingress: number, left: (index: number) => number): Decisions {
  const [unknownUnicast = 0, knownUnicast = 0, broadcast = 0, multicast = 0, local = 0] =
    CLASSES.map((_, index) => left(index));
  const gone = unknownUnicast + knownUnicast + broadcast + multicast + local;
  return {
    ...{ knownUnicast, unknownUnicast, broadcast, multicast, local },
    filtered: ingress - gone,
  };
}
