/** Stage latency: percentiles of all cases side by side, then each case's distribution. */
import { type Case, type Latency, type Run, STAGES, type Stage } from "../../document/run.ts";
import { STAGE_WORDS } from "../facts/words.ts";
import { clip } from "../text/clean.ts";
import { count, duration, percent, quantity, span } from "../text/units.ts";
import { bottomAxis, type LogScale, logScale, logTicks } from "./axis.ts";
import type { Detail } from "./detail.ts";
import { distribution } from "./distribution.ts";
import { type Html, html, px } from "./markup.ts";
import { code, figure, fold, right, section, table } from "./parts.ts";
import { FIGURE_WIDTH, stageClass } from "./tokens.ts";

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
        summary: html`Distribution in ${code(item.id)}`,
        open: index < OPEN,
        body: distribution(item, index, detail.bins),
      }),
    ];
  });
  return section("latency", "Stage latency", [
    html`<p>Each row is a case: the line runs from p50 to p99.9 on a logarithmic axis; the filled dot is p50, the ring p90, the small dot p99. The axis is the same in every figure of a unit, so stages can be compared.</p>`,
    ...timed.map((stage) => overview(run, stage)),
    html`<h3>Numbers</h3>`,
    numbers(run),
    html`<h3>Distributions</h3><p>Height is the share of the timed passages per equal step of the axis, each stage scaled to its own peak; the marks below a ridge are p50, p90, p99 and p99.9.</p>`,
    ...distributions,
  ]);
}

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

function timeText(latency: Latency, value: number): string {
  return latency.unit === "ns" ? duration(value) : `${count(value)} instr`;
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
  const scale = logScale(
    Math.max(1, Math.min(...all.map((one) => one.p50)) * 0.8),
    Math.max(...all.map((one) => one.p999)),
    [LABEL, FIGURE_WIDTH - RIGHT],
  );
  const bottom = 26 + rows.length * ROW;
  const id = `p-${STAGES.indexOf(stage)}-${unit}`;
  return figure({
    id,
    title: `${stage}: percentiles by case`,
    desc: rows
      .map(
        ({ item, latency }) =>
          `${item.id}: p50 ${timeText(latency, latency.p50)}, p99 ${timeText(latency, latency.p99)}`,
      )
      .slice(0, 20)
      .join("; "),
    width: FIGURE_WIDTH,
    height: bottom + 38,
    body: [
      html`<text class="b" x="0" y="14">${stage}</text><text class="t" x="${LABEL}" y="14">${STAGE_WORDS[stage]}</text><text class="t e" x="${FIGURE_WIDTH}" y="14">p50</text>`,
      bottomAxis(scale, logTicks(scale), {
        top: 22,
        bottom,
        label: unit === "ns" ? "time (logarithmic)" : "instructions (logarithmic)",
        unit: unit === "ns" ? "ns" : "",
      }),
      ...rows.map((row, index) => percentileRow(row, stage, scale, 34 + index * ROW)),
    ],
  });
}

function percentileRow({ item, latency }: Timed, stage: Stage, scale: LogScale, y: number): Html {
  const name = stageClass(stage);
  const at = (value: number) => px(scale(Math.max(value, scale.domain()[0] ?? 1)));
  return html`<text class="m" x="0" y="${y + 4}">${clip(item.id, 36)}</text><path class="${name} wide" d="M${at(latency.p50)} ${y}H${at(latency.p999)}"/><circle class="${name} hollow" cx="${at(latency.p90)}" cy="${y}" r="4"/><circle class="${name}" cx="${at(latency.p99)}" cy="${y}" r="3"/><circle class="${name}" cx="${at(latency.p50)}" cy="${y}" r="5"/><text class="e" x="${FIGURE_WIDTH}" y="${y + 4}">${timeText(latency, latency.p50)}</text>
`;
}

function numbers(run: Run): Html {
  const head = ["Case", "Stage", "p50", "p90", "p99", "p99.9", "max", "Timed", "Passages"];
  const rows = run.cases.flatMap((item) =>
    STAGES.flatMap((stage) => {
      const latency = item.latency[stage];
      return latency === undefined ? [] : [{ cells: numberCells(item, stage, latency) }];
    }),
  );
  return table(
    "Percentiles in the timed passages, and how many of all passages these are",
    [
      ...head.map((title, index) => (index > 1 ? { title, align: "right" as const } : { title })),
      { title: "Estimate" },
      { title: "From, to" },
    ],
    rows,
  );
}

function numberCells(item: Case, stage: Stage, latency: Latency) {
  const { p50, p90, p99, p999, max, sampled } = latency;
  const estimate = latency.estimate;
  return [
    code(item.id),
    stage,
    ...[p50, p90, p99, p999, max].map((value) =>
      right(sampled === 0 ? "none" : timeText(latency, value)),
    ),
    right(sampled === latency.count ? "all" : percent(sampled, latency.count)),
    right(count(latency.count)),
    estimate === null
      ? ""
      : `${quantity(estimate.value, latency.unit)} (${span(...estimate.ci, latency.unit)}), ${estimate.method}, n = ${count(estimate.n)}`,
    html`<span class="m soft">${latency.from}, ${latency.to}</span>`,
  ];
}
