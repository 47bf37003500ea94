import { type Estimate, medianOverRounds } from "./bootstrap.ts";
import { countedEstimate } from "./counted.ts";
import { median } from "./quantile.ts";

/**
 * What one more of something costs: the slope through a round's points is the median of the slopes
 * between every two of them (Theil, 1950; Sen, 1968), and the estimate is the median over rounds.
 * `samples[case][round]` belongs to `counts[case]`. Null under five whole rounds or two different counts.
 */
export function slopeOverRounds(
  counts: readonly number[],
  samples: readonly (readonly number[])[],
  seed: number,
): Estimate | null {
  const rounds = Math.min(...samples.map((one) => one.length));
  const slopes = Array.from({ length: rounds }, (_, round) =>
    theilSen(
      counts,
      samples.map((one) => one[round] ?? Number.NaN),
    ),
  ).filter((slope) => slope !== null);
  const estimate = medianOverRounds(slopes, seed);
  return estimate === null
    ? null
    : {
        ...estimate,
        method: `median over ${slopes.length} rounds of the Theil-Sen slope, 95 % percentile bootstrap over rounds`,
      };
}

/**
 * The same where a round's number is exact and what disturbs a round only adds, as instructions are: the Theil-Sen slope
 * through each case's mode, the least among values that are equally frequent. Null without two different counts.
 */
export function slopeOfModes(
  counts: readonly number[],
  samples: readonly (readonly number[])[],
): number | null {
  if (samples.some((one) => one.length === 0)) return null;
  const modes = samples.map(
    (one) => countedEstimate(one.map((value) => ({ value, boot: 0 }))).value,
  );
  return theilSen(counts, modes);
}

function theilSen(x: readonly number[], y: readonly number[]): number | null {
  const slopes: number[] = [];
  x.forEach((a, i) => {
    x.slice(i + 1).forEach((b, offset) => {
      const rise = (y[i + 1 + offset] ?? Number.NaN) - (y[i] ?? Number.NaN);
      if (a !== b && Number.isFinite(rise)) slopes.push(rise / (b - a));
    });
  });
  return slopes.length === 0 ? null : median(slopes);
}
