import type { SelftestPart } from "../document/selftest.ts";
import { medianOverRounds } from "./bootstrap.ts";
import { shareInterval } from "./proportion.ts";
import { median } from "./quantile.ts";

type Comparison = SelftestPart["comparisons"][number];
type Share = NonNullable<SelftestPart["found"]>;

/** What comparisons of one base with one candidate come to; `same` where the two are alike. Pure. */
export function summarize(
  comparisons: readonly Comparison[],
  same: boolean,
): Pick<SelftestPart, "ratio" | "ratioCi" | "found" | "declared" | "covered"> {
  if (comparisons.length === 0) {
    return { ratio: null, ratioCi: null, found: null, declared: null, covered: null };
  }
  const ratios = comparisons.map((one) => one.ratio);
  const ratio = median(ratios);
  const truth = same ? 1 : ratio;
  return {
    ratio,
    ratioCi: medianOverRounds(ratios, 1)?.ci ?? null,
    found: shareOf(comparisons, (one) => one.found),
    declared: shareOf(comparisons, (one) => one.declared),
    covered: shareOf(comparisons, ({ ci: [low, high] }) => low <= truth && truth <= high),
  };
}

function shareOf(all: readonly Comparison[], hit: (one: Comparison) => boolean): Share {
  const hits = all.filter(hit).length;
  return { hits, of: all.length, share: hits / all.length, ci: shareInterval(hits, all.length) };
}
