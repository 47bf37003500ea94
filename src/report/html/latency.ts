/** Stage latency: percentiles of all cases side by side, then each case's distribution. */
import { type Case, type Latency, type Run, STAGES, type Stage } from "../../document/run.ts";
import { clip } from "../../text/printable.ts";
import {
  bare,
  bareSpan,
  count,
  duration,
  passage,
  percent,
  percentiles,
  quantity,
  span,
} from "../../text/units.ts";
import { agreement, bootsOf, headlineOf, stagesIn, type TimedStage } from "../facts/latency.ts";
import { slowdownOf } from "../facts/observing.ts";
import {
  AXIS_WORDS,
  COUNTED_SENTENCE,
  COUNTED_WORDS,
  STAGE_WORDS,
  stageName,
  withProbes,
} from "../facts/words.ts";
import { bottomAxis, type LogScale, logScale, logTicks } from "./axis.ts";
import type { Detail } from "./detail.ts";
import { distribution } from "./distribution.ts";
import { type Html, html, px } from "./markup.ts";
import {
  code,
  figure,
  fold,
  marked,
  right,
  section,
  type TableCell,
  table,
  withInterval,
} from "./parts.ts";
import { FIGURE_WIDTH, stageClass } from "./tokens.ts";
import { waterfall } from "./waterfall.ts";

const LABEL = 270;
const RIGHT = 110;
const ROW = 22;
const OPEN = 3;

export function latencySection(run: Run, detail: Detail): Html {
  const timed = STAGES.filter((stage) => run.cases.some((item) => shown(item, stage) !== null));
  if (timed.length === 0) {
    return section("latency", "Stage latency", [html`<p>No stage was timed in this run.</p>`]);
  }
  const distributions = run.cases.flatMap((item, index) => {
    if (!STAGES.some((stage) => shown(item, stage) !== null)) return [];
    return [
      fold({
        id: `latency-${index}`,
        summary: html`The way of a frame, and distributions, in ${code(item.id)}`,
        open: index < OPEN,
        body: [
          index < detail.ways ? waterfall(item, index) : html``,
          ...distribution(item, index, detail.bins),
        ],
      }),
    ];
  });
  const counted = run.environment.clock === "icount";
  return section("latency", counted ? "Instructions by stage" : "Stage latency", [
    counted ? COUNTED_INTRO : TIMED_INTRO,
    ...timed.map((stage) => overview(run, stage)),
    html`<h3>Numbers</h3>`,
    numbers(run),
    html`<h3>Case by case</h3>${counted ? COUNTED_RIDGES : TIMED_RIDGES}`,
    ...distributions,
  ]);
}

const TIMED_INTRO = html`<p>Each row is a case: the line runs from p50 to p99.9 on a logarithmic axis; the filled dot is p50, the ring p90, the small dot p99. The axis is the same in every figure of a unit, so stages can be compared.</p>`;
const COUNTED_INTRO = html`<p>${COUNTED_SENTENCE} Each row is a case: the dot is the mode over rounds, net of the probes, and the line what boots disagree on. The axis is the same in every figure, so stages can be compared.</p>`;
const TIMED_RIDGES = html`<p>Height is the share of the timed passages per equal step of the axis, each stage scaled to its own peak; the marks below a ridge are p50, p90, p99 and p99.9.</p>`;
const COUNTED_RIDGES = html`<p>Every value that occurred is a line, as high as its share of the passages and never under two pixels; the few far to the right met a timer tick. The marks below are p50, p90, p99 and p99.9.</p>`;

interface Timed {
  readonly item: Case;
  readonly latency: Latency;
}

/** The stage's latency where at least one passage was timed and has a bucket. */
function shown(item: Case, stage: Stage): Latency | null {
  const latency = item.latency[stage];
  return latency === undefined || latency.sampled === 0 || latency.buckets.length === 0
    ? null
    : latency;
}

function overview(run: Run, stage: Stage): Html {
  const rows = run.cases.flatMap((item): Timed[] => {
    const latency = shown(item, stage);
    return latency === null ? [] : [{ item, latency }];
  });
  const units = [...new Set(rows.map((row) => row.latency.unit))];
  return html`${units.map((unit) =>
    dotPlot(
      run,
      stage,
      rows.filter((row) => row.latency.unit === unit),
      unit,
    ),
  )}`;
}

function dotPlot(run: Run, stage: Stage, rows: readonly Timed[], unit: Latency["unit"]): Html {
  const all = run.cases.flatMap((item) =>
    STAGES.flatMap((one) => {
      const latency = shown(item, one);
      return latency !== null && latency.unit === unit ? [latency] : [];
    }),
  );
  const ends = all.map(endsOf);
  const scale = logScale(
    Math.max(1, Math.min(...ends.map(([low]) => low)) * 0.8),
    Math.max(...ends.map(([, high]) => high)),
    [LABEL, FIGURE_WIDTH - RIGHT],
  );
  const bottom = 26 + rows.length * ROW;
  const id = `p-${STAGES.indexOf(stage)}-${unit}`;
  return figure({
    id,
    title: withProbes(
      `${stageName(stage, unit)}: ${unit === "ns" ? "percentiles" : "instructions"} by case`,
      unit,
    ),
    desc: rows
      .map(({ item, latency }) =>
        unit === "ns"
          ? `${item.id}: p50 ${duration(latency.p50)}, p99 ${duration(latency.p99)}`
          : `${item.id}: ${headlineText(latency)}`,
      )
      .slice(0, 20)
      .join("; "),
    width: FIGURE_WIDTH,
    height: bottom + 38,
    body: [
      html`<text class="b" x="0" y="14">${stageName(stage, unit)}</text><text class="t" x="${LABEL}" y="14">${STAGE_WORDS[stage]}</text><text class="t e" x="${FIGURE_WIDTH}" y="14">${HEADLINE_TITLES[unit]}</text>`,
      bottomAxis(scale, logTicks(scale), {
        top: 22,
        bottom,
        label: withProbes(AXIS_WORDS[unit], unit),
        unit: unit === "ns" ? "ns" : "",
      }),
      ...rows.map((row, index) => percentileRow(row, stage, scale, 34 + index * ROW)),
    ],
  });
}

const HEADLINE_TITLES: Record<Latency["unit"], string> = { ns: "p50", instructions: "mode" };

/** From p50 to p99.9, or the interval of the mode. */
function endsOf(latency: Latency): readonly [number, number] {
  if (latency.unit === "ns") return [latency.p50, latency.p999];
  const { value, ci } = headlineOf(latency);
  return ci ?? [value, value];
}

function headlineText(latency: Latency): string {
  return passage(headlineOf(latency).value, latency.unit);
}

function percentileRow({ item, latency }: Timed, stage: Stage, scale: LogScale, y: number): Html {
  const name = stageClass(stage);
  const at = (value: number) => px(scale(Math.max(value, scale.domain()[0] ?? 1)));
  const [low, high] = endsOf(latency);
  const others =
    latency.unit === "ns"
      ? html`<circle class="${name} hollow" cx="${at(latency.p90)}" cy="${y}" r="4"/><circle class="${name}" cx="${at(latency.p99)}" cy="${y}" r="3"/>`
      : null;
  const marks = html`<path class="${name} wide" d="M${at(low)} ${y}H${at(high)}"/>${others}<circle class="${name}" cx="${at(headlineOf(latency).value)}" cy="${y}" r="5"/>`;
  return html`<text class="m" x="0" y="${y + 4}">${clip(item.id, 36)}</text>${marked(rowSays(item, latency), marks)}<text class="e" x="${FIGURE_WIDTH}" y="${y + 4}">${headlineText(latency)}</text>
`;
}

function rowSays({ id }: Case, latency: Latency): string {
  const { unit, p50, p90, p99, p999 } = latency;
  if (unit === "ns") {
    return `${id}: ${percentiles({ p50, p90, p99, "p99.9": p999 }, unit)}`;
  }
  const { value, ci } = headlineOf(latency);
  return `${id}: ${bare(value, unit)} instructions (${bareSpan(ci, unit, value)})`;
}

function numbers(run: Run): Html {
  const timed = stagesIn(run, "ns");
  const counted = stagesIn(run, "instructions");
  const heads = (titles: readonly string[]) => [
    { title: "Case, stage" },
    ...titles.map((title) => ({ title, align: "right" as const })),
    { title: "From, to" },
  ];
  const times = table(
    `${withProbes("Percentiles in the timed passages", "ns")}, and how many of all passages these are${methodsOf(timed)}`,
    heads(["p50", "p90", "p99", "p99.9", "max", "Timed", "Passages", "Estimate"]),
    timed.map((one, index) => ({ cells: timedCells(one, timed[index - 1]?.item) })),
  );
  const instructions = table(
    `Instructions by stage: ${COUNTED_WORDS}. The mode over rounds, net of the probes, with the span of the boots' modes below it; alike: passages that took exactly their round's mode`,
    heads(["Instructions", "Rounds", "Boots", "Alike", "p50", "p99", "max", "Passages"]),
    counted.map((one) => ({ cells: countedCells(one) })),
  );
  return html`${timed.length > 0 ? times : null}${counted.length > 0 ? instructions : null}`;
}

/** How the estimates were made, once and not in every row. */
function methodsOf(stages: readonly TimedStage[]): string {
  const methods = new Set(stages.flatMap(({ latency: { estimate } }) => estimate?.method ?? []));
  return methods.size === 0 ? "" : `; estimate: ${[...methods].join("; ")}`;
}

function timedCells({ item, stage, latency }: TimedStage, above: Case | undefined) {
  const { p50, p90, p99, p999, max, sampled, estimate, unit } = latency;
  const slowdown = item === above ? null : slowdownOf(item);
  return [
    html`${code(item.id)}${slowdown === null ? null : html`<br><span class="soft">${slowdown}</span>`}<br>${stageName(stage, unit)}`,
    ...[p50, p90, p99, p999, max].map((value) => right(sampled === 0 ? "none" : duration(value))),
    right(sampled === latency.count ? "all" : percent(sampled, latency.count)),
    right(count(latency.count)),
    estimate === null
      ? ""
      : withInterval(
          quantity(estimate.value, unit),
          `${span(...estimate.ci, unit)}, n = ${count(estimate.n)}`,
        ),
    events(latency),
  ];
}

function countedCells({ item, stage, latency }: TimedStage) {
  const { p50, p99, max, unit } = latency;
  const { value, ci } = headlineOf(latency);
  const show = (one: number) => right(latency.sampled === 0 ? "none" : bare(one, unit));
  return [
    html`${code(item.id)}<br>${stageName(stage, unit)}`,
    withInterval(latency.sampled === 0 ? "none" : bare(value, unit), bareSpan(ci, unit, value)),
    right(count(latency.perRound?.length ?? 0)),
    right(bootsOf(item, latency)),
    right(agreement(latency)),
    ...[p50, p99, max].map(show),
    right(count(latency.count)),
    events(latency),
  ];
}

function events({ from, to }: Latency): TableCell {
  return { value: html`<span class="m soft">${from}, ${to}</span>`, kind: "wide" };
}
