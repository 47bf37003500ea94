import { expect, test } from "vitest";
import { countedEstimate } from "../../src/stats/counted.ts";
import { judge, ratioOfIntervals } from "../../src/stats/verdict.ts";
import { cannot } from "../skipped.ts";
import { inGuest, whyNoGuests } from "./guest.ts";
import type { PadRequest, PadRound } from "./pads.ts";

const KERNEL = "debian:bookworm";
/** 0.2 %: what counted time is meant to resolve. */
const MARGIN = 0.002;
const REQUEST: PadRequest = { pads: [0, 8, 80], rounds: 4, seed: 7 };

const lacking = await whyNoGuests([KERNEL]);
const without = cannot("known extras in counted time", lacking);

test.skipIf(without)("8 and 80 instructions more are found, and found as many", async () => {
  const rounds = await inGuest<PadRound[]>(KERNEL, "pads-main", REQUEST, "icount");
  const estimateOf = (pad: number) =>
    countedEstimate(
      rounds
        .filter(({ extra }) => extra === pad)
        .map(({ instructions }) => ({ value: instructions, boot: 0 })),
    );
  const base = estimateOf(0);
  process.stdout.write(`stage veth.in, probes included: ${JSON.stringify(rounds)}\n`);
  for (const { passages } of rounds) expect(passages).toBeGreaterThan(100);
  for (const extra of [8, 80]) {
    const padded = estimateOf(extra);
    expect(padded.value - base.value).toBeGreaterThanOrEqual(0.9 * extra);
    expect(padded.value - base.value).toBeLessThanOrEqual(1.1 * extra);
    const ratio = ratioOfIntervals(base, padded);
    expect(ratio && judge(ratio.ci, MARGIN, "lower")).toBe("regression");
  }
});
