/** One case's latency histograms, one ridge a stage over a common logarithmic axis. */
import { line } from "d3-shape";
import { type Case, type Latency, STAGES, type Stage } from "../../document/run.ts";
import { AXIS_WORDS } from "../facts/words.ts";
import { count } from "../text/units.ts";
import { bottomAxis, type LogScale, logScale, logTicks } from "./axis.ts";
import { type Html, html, px } from "./markup.ts";
import { figure } from "./parts.ts";
import { FIGURE_WIDTH, stageClass } from "./tokens.ts";

const LABEL = 130;
const RIDGE = 74;

export function distribution(item: Case, index: number, bins: number): Html[] {
  return (["ns", "instructions"] as const).flatMap((unit) => {
    const rows = STAGES.flatMap((stage) => {
      const latency = item.latency[stage];
      const fits =
        latency !== undefined &&
        latency.buckets.length > 0 &&
        latency.sampled > 0 &&
        latency.unit === unit;
      return fits ? [{ stage, latency }] : [];
    });
    return rows.length === 0 ? [] : [ridges(item, `dist-${index}-${unit}`, rows, { unit, bins })];
  });
}

interface Ridge {
  readonly stage: Stage;
  readonly latency: Latency;
}

function ridges(
  item: Case,
  id: string,
  rows: readonly Ridge[],
  { unit, bins }: { unit: Latency["unit"]; bins: number },
): Html {
  const buckets = rows.flatMap((row) => row.latency.buckets);
  const low = Math.max(1, Math.min(...buckets.map(([from]) => from)));
  const high = Math.max(low + 1, ...buckets.map(([, to]) => to));
  const scale = logScale(low, high, [LABEL, FIGURE_WIDTH - 20]);
  const bottom = 12 + rows.length * RIDGE;
  return figure({
    id,
    title: `${unit === "ns" ? "Latency" : "Instruction"} distribution in ${item.id}`,
    desc: rows
      .map(
        ({ stage, latency }) =>
          `${stage}: ${count(latency.sampled)} timed, from ${latency.buckets[0]?.[0] ?? 0} to ${latency.max} ${unit}`,
      )
      .join("; "),
    width: FIGURE_WIDTH,
    height: bottom + 38,
    body: [
      bottomAxis(scale, logTicks(scale), {
        top: 6,
        bottom,
        label: AXIS_WORDS[unit],
        unit: unit === "ns" ? "ns" : "",
      }),
      ...rows.map((row, place) => ridge(row, scale, 6 + (place + 1) * RIDGE, bins)),
    ],
  });
}

function ridge({ stage, latency }: Ridge, scale: LogScale, base: number, bins: number): Html {
  const name = stageClass(stage);
  const exact = latency.unit === "instructions" && latency.buckets.length <= bins * 4;
  const shape = exact
    ? html`<path class="${name} wide" d="${stems(latency, scale, base)}"/>`
    : html`<path class="${name} area" d="${outlined(binned(latency, scale, bins), base)}"/>`;
  const marks = [latency.p50, latency.p90, latency.p99, latency.p999]
    .map((value) => `M${px(scale(Math.max(value, scale.domain()[0] ?? 1)))} ${base + 1}v6`)
    .join("");
  return html`<text class="b" x="0" y="${base - 22}">${stage}</text><text class="t" x="0" y="${base - 7}">${count(latency.sampled)} timed</text>${shape}<path class="${name} wide" d="${marks}"/>
`;
}

/** Exact values, each a line as high as its share; the rarest still shows. */
function stems({ buckets }: Latency, scale: LogScale, base: number): string {
  const peak = Math.max(...buckets.map(([, , n]) => n), 1);
  const floor = scale.domain()[0] ?? 1;
  return buckets
    .map(([low, , n]) => {
      const height = Math.max(2, (n / peak) * (RIDGE - 22));
      return `M${px(scale(Math.max(low, floor)))} ${base}v${px(-height)}`;
    })
    .join("");
}

function outlined(density: readonly Bin[], base: number): string {
  const peak = Math.max(...density.map((bin) => bin.value), 1e-12);
  const outline = line<Bin>()
    .x((bin) => bin.x)
    .y((bin) => base - (bin.value / peak) * (RIDGE - 22))
    .digits(1);
  return density.length === 0 ? "" : `${outline(density) ?? ""}V${base}H${px(density[0]?.x ?? 0)}Z`;
}

interface Bin {
  /** The middle of the step. */
  readonly x: number;
  value: number;
}

/** Buckets spread over equal steps of the axis, each by how much of it the step covers. */
function binned(latency: Latency, scale: LogScale, steps: number): Bin[] {
  const [from = 0, to = 1] = scale.range();
  const width = (to - from) / steps;
  const bins = Array.from(
    { length: steps },
    (_, index): Bin => ({ x: from + (index + 0.5) * width, value: 0 }),
  );
  const floor = scale.domain()[0] ?? 1;
  for (const [low, high, n] of latency.buckets) {
    const left = scale(Math.max(low, floor));
    const right = Math.max(left + 0.01, scale(Math.max(high, floor)));
    const first = Math.max(0, Math.floor((left - from) / width));
    const last = Math.min(steps - 1, Math.floor((right - from) / width));
    for (const bin of bins.slice(first, last + 1)) {
      const covered = Math.min(right, bin.x + width / 2) - Math.max(left, bin.x - width / 2);
      bin.value += n * (Math.max(0, covered) / (right - left));
    }
  }
  return trimmed(bins);
}

function trimmed(bins: readonly Bin[]): Bin[] {
  const first = bins.findIndex((bin) => bin.value > 0);
  const last = bins.findLastIndex((bin) => bin.value > 0);
  return bins.slice(Math.max(0, first - 1), last + 2);
}
