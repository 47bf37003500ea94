import type { Run, Slopes } from "../../document/run.ts";
import { median } from "../../stats/quantile.ts";
import { sparkline } from "../../text/sparkline.ts";
import { quantity } from "../../text/units.ts";
import { SLOPE_WORDS, slopeRows, slopeSentences } from "../facts/slopes.ts";
import { type Html, html } from "./markup.ts";
import { code, right, section, table } from "./parts.ts";
import { scatter } from "./scatter.ts";

type Per = Slopes["per"][number];

/** What one more of something costs a frame; nothing where the run did not ask. */
export function slopesSection(run: Run): Html {
  const { slopes } = run;
  if (slopes === undefined) return html``;
  return section("slopes", "What one more costs", [
    html`${slopeSentences(run).map(({ text }) => html`<p>${text}</p>`)}`,
    table(
      `CPU time a frame for one more, with 95 % interval. ${SLOPE_WORDS}`,
      [
        { title: "What" },
        { title: "Workload" },
        { title: "A frame", align: "right" },
        { title: "Interval, ns", align: "right" },
        { title: "From the cases" },
      ],
      slopeRows(run).map((row) => ({
        cells: [
          row.what,
          code(row.workload),
          right(row.value),
          right(row.interval),
          { value: row.reason ?? row.cases.join(", "), kind: "wide" as const },
        ],
      })),
    ),
    html`<div class="strips">${slopes.per.flatMap((one, index) => plot(one, slopes, index))}</div>`,
    table(
      "The cases behind it: median CPU time a frame, and the rounds in their order",
      [{ title: "Case" }, { title: "A frame", align: "right" }, { title: "Rounds" }],
      slopes.cases.map(({ id, samples }) => ({
        cells: [
          code(id),
          right(samples.length === 0 ? "-" : quantity(median(samples), "ns")),
          sparkline(samples, SPARKS),
        ],
      })),
    ),
  ]);
}

const SPARKS = 24;
/** Of each case's rounds. */
const DRAWN = 40;

function plot({ what, workload, cases, counts }: Per, slopes: Slopes, index: number): Html[] {
  const points = cases.flatMap((id, place) => {
    const samples = slopes.cases.find((one) => one.id === id)?.samples ?? [];
    const x = counts[place] ?? 0;
    return samples.slice(0, DRAWN).map((y, round) => ({
      x,
      y,
      says: `${id}, round ${round + 1}: ${quantity(y, "ns")} a frame`,
    }));
  });
  if (points.length === 0) return [];
  return [
    scatter(points, {
      id: `slope-${index}`,
      title: `CPU time a frame of ${workload} against the number of each ${what}`,
      caption: html`<strong>CPU time a frame</strong> of ${code(workload)} by the number of ${what}: a dot a round`,
      xUnit: "",
      xLabel: `number of ${what}`,
      yUnit: "ns",
    }),
  ];
}
