/** Stage latency: percentiles of all cases side by side, then each case's distribution. */
import { type Case, type Latency, type Run, STAGES, type Stage } from "../../document/run.ts";
import { clip } from "../../text/printable.ts";
import {
  bare,
  bareSpan,
  count,
  duration,
  passage,
  percentiles,
  quantity,
  span,
} from "../../text/units.ts";
import {
  agreement,
  bootsOf,
  headlineOf,
  methodsOf,
  netTimes,
  notesOf,
  stagesIn,
  TIME_CHECK_WORDS,
  type TimedStage,
  timeCheckOf,
} from "../facts/latency.ts";
import {
  AXIS_WORDS,
  COUNTED_SENTENCE,
  COUNTED_WORDS,
  NET_WORDS,
  RAW_WORDS,
  STAGE_WORDS,
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
    timeChecks(run),
    ...timed.map((stage) => overview(run, stage)),
    html`<h3>Numbers</h3>`,
    numbers(run),
    html`<h3>Case by case</h3>${counted ? COUNTED_RIDGES : TIMED_RIDGES}`,
    ...distributions,
  ]);
}

const TIMED_INTRO = html`<p>Each row is a case: the line runs from p10 to p90 on a logarithmic axis, and the dot is p50, all net of the probes. A stage whose net times are withheld is in the table alone. The axis is the same in every figure of a unit, so stages can be compared.</p>`;
const COUNTED_INTRO = html`<p>${COUNTED_SENTENCE} Each row is a case: the dot is the mode over rounds, net of the probes, and the line what boots disagree on. The axis is the same in every figure, so stages can be compared.</p>`;
const TIMED_RIDGES = html`<p>Height is the share of the timed passages per equal step of the axis, each stage scaled to its own peak, the probes' own share taken out of each value; the marks below a ridge are p10, p50 and p90. Where net times are withheld it says RAW, and the probes are in it.</p>`;
const COUNTED_RIDGES = html`<p>Every value that occurred is a line, as high as its share of the passages and never under two pixels; the few far to the right met a timer tick. The probes' own are taken out of each. The marks below are p10, p50 and p90.</p>`;

interface Timed {
  readonly item: Case;
  readonly latency: Latency;
}

/** The stage's latency where at least one passage was timed and has a bucket. */
function shown(item: Case, stage: Stage): Latency | null {
  const latency = item.latency[stage];
  return latency === undefined || latency.sampled === 0 || latency.raw.buckets.length === 0
    ? null
    : latency;
}

function timeChecks(run: Run): Html {
  const rows = run.cases.flatMap((item) => {
    const line = timeCheckOf(item);
    if (line === null) return [];
    const text =
      line.passed === false
        ? html`<strong class="alarm">${line.text}</strong>`
        : html`${line.text}`;
    return [{ cells: [code(item.id), { value: text, kind: "wide" as const }] }];
  });
  if (rows.length === 0) return html``;
  return table(TIME_CHECK_WORDS, [{ title: "Case" }, { title: "Time check" }], rows);
}

interface Row extends Timed {
  readonly value: number;
  readonly ends: readonly [number, number];
}

/** Net, from p10 to p90 around p50, or the mode with its interval; null where withheld. */
function rowOf(item: Case, stage: Stage): Row | null {
  const latency = shown(item, stage);
  if (latency === null) return null;
  const [headline, times] = [headlineOf(latency), netTimes(latency)];
  if (headline === null || times === null) return null;
  if (latency.unit === "ns") {
    return { item, latency, value: times.p50, ends: [times.p10, times.p90] };
  }
  const { value, ci } = headline;
  return { item, latency, value, ends: ci ?? [value, value] };
}

function overview(run: Run, stage: Stage): Html {
  const rows = run.cases.flatMap((item) => rowOf(item, stage) ?? []);
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

function dotPlot(run: Run, stage: Stage, rows: readonly Row[], unit: Latency["unit"]): Html {
  const ends = run.cases.flatMap((item) =>
    STAGES.flatMap((one) => {
      const row = rowOf(item, one);
      return row !== null && row.latency.unit === unit ? [row.ends] : [];
    }),
  );
  const scale = logScale(
    Math.max(1, Math.min(...ends.map(([low]) => low)) * 0.8),
    Math.max(...ends.map(([, high]) => high)),
    [LABEL, FIGURE_WIDTH - RIGHT],
  );
  const bottom = 26 + rows.length * ROW;
  const id = `p-${STAGES.indexOf(stage)}-${unit}`;
  return figure({
    id,
    title: `${stage}, ${NET_WORDS}: ${unit === "ns" ? "percentiles" : "instructions"} by case`,
    desc: rows
      .map((row) => rowSays(row))
      .slice(0, 20)
      .join("; "),
    width: FIGURE_WIDTH,
    height: bottom + 38,
    body: [
      html`<text class="b" x="0" y="14">${stage}</text><text class="t" x="${LABEL}" y="14">${STAGE_WORDS[stage]}</text><text class="t e" x="${FIGURE_WIDTH}" y="14">${unit === "ns" ? "p50" : "mode"}</text>`,
      bottomAxis(scale, logTicks(scale), {
        top: 22,
        bottom,
        label: AXIS_WORDS[unit],
        unit: unit === "ns" ? "ns" : "",
      }),
      ...rows.map((row, index) => percentileRow(row, stage, scale, 34 + index * ROW)),
    ],
  });
}

function percentileRow(row: Row, stage: Stage, scale: LogScale, y: number): Html {
  const { item, latency, value, ends } = row;
  const name = stageClass(stage);
  const at = (one: number) => px(scale(Math.max(one, scale.domain()[0] ?? 1)));
  const [low, high] = ends;
  const marks = html`<path class="${name} wide" d="M${at(low)} ${y}H${at(high)}"/><circle class="${name}" cx="${at(value)}" cy="${y}" r="5"/>`;
  return html`<text class="m" x="0" y="${y + 4}">${clip(item.id, 36)}</text>${marked(rowSays(row), marks)}<text class="e" x="${FIGURE_WIDTH}" y="${y + 4}">${passage(value, latency.unit)}</text>
`;
}

function rowSays({ item: { id }, latency, value, ends }: Row): string {
  const { unit } = latency;
  if (unit === "ns") {
    return `${id}: ${percentiles({ p10: ends[0], p50: value, p90: ends[1] }, unit)}`;
  }
  return `${id}: ${bare(value, unit)} instructions (${bareSpan(ends, unit, value)})`;
}

function numbers(run: Run): Html {
  const timed = stagesIn(run, "ns");
  const counted = stagesIn(run, "instructions");
  const heads = (titles: readonly string[]) => [
    { title: "Case, stage" },
    ...titles.map((title) => ({ title, align: "right" as const })),
    { title: "From, to" },
  ];
  const methods = methodsOf(timed).map((text) => `; ${text}`);
  const times = table(
    `Stages, ${NET_WORDS}: p10, p50, p90, and the mean with its interval over sessions. Probes: their own share of one sample. Raw: ${RAW_WORDS}${methods.join("")}`,
    heads([
      ...["Net p10", "Net p50", "Net p90", "Net mean", "Probes"],
      ...["Raw p50, p99", "Timed"],
    ]),
    timed.map((one) => ({ cells: timedCells(one) })),
  );
  const instructions = table(
    `Instructions by stage: ${COUNTED_WORDS}. The mode over rounds, ${NET_WORDS}, with the span of the boots' modes below it; alike: passages that took exactly their round's mode. Probes: their own instructions. Raw: ${RAW_WORDS}`,
    heads([
      ...["Instructions", "Rounds", "Boots", "Alike"],
      ...["Net p50", "Probes", "Raw p50", "Raw p99", "Raw max", "Passages"],
    ]),
    counted.map((one) => ({ cells: countedCells(one) })),
  );
  return html`${timed.length > 0 ? times : null}${counted.length > 0 ? instructions : null}`;
}

/** The stage, and below it what has to be known of its numbers. */
function named({ item, stage, latency }: TimedStage): Html {
  const notes = notesOf(latency).map((text) => html`<br><span class="caution">${text}</span>`);
  return html`${code(item.id)}<br>${stage}${notes}`;
}

function timedCells(one: TimedStage) {
  const { raw, sampled, estimate, unit, observer, withheld } = one.latency;
  const times = netTimes(one.latency);
  const net = (value: number | undefined) => right(value === undefined ? "-" : duration(value));
  return [
    named(one),
    ...[times?.p10, times?.p50, times?.p90].map(net),
    estimate === null || withheld !== null
      ? right("-")
      : withInterval(
          quantity(estimate.value, unit),
          `${span(...estimate.ci, unit)}, n = ${count(estimate.n)}`,
        ),
    observer === null
      ? right("not known")
      : withInterval(quantity(observer.value, unit), span(...observer.ci, unit)),
    sampled === 0 ? right("none") : withInterval(duration(raw.p50), `p99 ${duration(raw.p99)}`),
    right(count(sampled)),
    events(one.latency),
  ];
}

function countedCells(one: TimedStage) {
  const { item, latency } = one;
  const { raw, unit, observer, sampled } = latency;
  const [headline, times] = [headlineOf(latency), netTimes(latency)];
  const show = (value: number | undefined) =>
    right(sampled === 0 || value === undefined ? "none" : bare(value, unit));
  return [
    named(one),
    headline === null
      ? right("none")
      : withInterval(bare(headline.value, unit), bareSpan(headline.ci, unit, headline.value)),
    right(count(latency.perRound?.length ?? 0)),
    right(bootsOf(item, latency)),
    right(agreement(latency)),
    ...[times?.p50, observer?.value, raw.p50, raw.p99, raw.max].map(show),
    right(count(latency.count)),
    events(latency),
  ];
}

function events({ from, to }: Latency): TableCell {
  return { value: html`<span class="m soft">${from}, ${to}</span>`, kind: "wide" };
}
