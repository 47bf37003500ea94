import type { Comparison } from "../../document/compare.ts";
import { bucketQuantile, total } from "../../stats/histogram.ts";
import { clip } from "../../text/printable.ts";
import { count, percentiles, plural } from "../../text/units.ts";
import { AXIS_WORDS, NET_WORDS } from "../facts/words.ts";
import { ridges } from "../html/distribution.ts";
import { type Html, html } from "../html/markup.ts";
import { code, fold } from "../html/parts.ts";
import { sideClass } from "../html/tokens.ts";
import { labelsOf, sideLegend } from "./figures.ts";

/** Cases beyond these are in the document. */
const DRAWN = 12;
const OPEN = 2;

const SIDE_LABEL = 190;
const BINS = 90;

/** Each stage as it is spread on each side. */
export function distributionsPart(comparison: Comparison): Html[] {
  const all = comparison.distributions ?? [];
  if (all.length === 0) return [html`<p>No stage has net times on both sides.</p>`];
  const cases = [...new Set(all.map((one) => one.case))];
  const left = cases.length - DRAWN;
  return [
    html`<p>Height is the share of the passages per equal step of the axis, each scaled to its own peak; the marks below are p10, p50 and p90, to within a step; the probes' own share is taken out of each value.</p>`,
    sideLegend(comparison),
    ...cases.slice(0, DRAWN).map((id, index) =>
      fold({
        summary: code(id),
        open: index < OPEN,
        body: figuresOf(
          `dist-${index}`,
          comparison,
          all.filter((one) => one.case === id),
        ),
      }),
    ),
    ...(left > 0 ? [html`<p class="soft">${plural(left, "more case")} in the document.</p>`] : []),
  ];
}

/** A figure for each unit: the sides of a stage one below the other. */
function figuresOf(
  id: string,
  comparison: Comparison,
  known: NonNullable<Comparison["distributions"]>,
): Html[] {
  const labels = labelsOf(comparison);
  return (["ns", "instructions"] as const).flatMap((unit) => {
    const rows = known
      .filter((one) => one.unit === unit)
      .map(({ stage, side, buckets }) => {
        const marks = [0.1, 0.5, 0.9].map((share) => bucketQuantile(buckets, share));
        const [p10 = 0, p50 = 0, p90 = 0] = marks.map(Math.round);
        return {
          name: stage,
          className: sideClass(labels.indexOf(side)),
          words: clip(`${side}, ${count(total(buckets))}`, 30),
          buckets,
          marks,
          says: `${stage}, ${side}: ${percentiles({ p10, p50, p90 }, unit)}`,
        };
      });
    if (rows.length === 0) return [];
    const words = `${unit === "ns" ? "Latency" : "Instructions"} by stage and side in ${known[0]?.case ?? ""}`;
    const title = `${words}, ${NET_WORDS}`;
    const axis = AXIS_WORDS[unit];
    return [
      ridges(rows, { id: `${id}-${unit}`, title, axis, unit, bins: BINS, label: SIDE_LABEL }),
    ];
  });
}
