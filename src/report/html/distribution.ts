/** Histograms as ridges over a common logarithmic axis. */
import { line } from "d3-shape";
import { type Case, type Latency, STAGES } from "../../document/run.ts";
import type { Bucket } from "../../stats/histogram.ts";
import { count, percentiles } from "../../text/units.ts";
import { netBuckets, netTimes } from "../facts/latency.ts";
import { AXIS_WORDS, NET_WORDS, RAW_WORDS } from "../facts/words.ts";
import { bottomAxis, type LogScale, logScale, logTicks } from "./axis.ts";
import { type Html, html, px } from "./markup.ts";
import { figure, marked } from "./parts.ts";
import { FIGURE_WIDTH, stageClass } from "./tokens.ts";

const STAGE_LABEL = 130;
const RIDGE = 74;

/** One case's latency histograms, one ridge a stage. */
export function distribution(item: Case, index: number, bins: number): Html[] {
  return (["ns", "instructions"] as const).flatMap((unit) => {
    const rows = STAGES.flatMap((stage): Ridge[] => {
      const latency = item.latency[stage];
      if (latency === undefined || latency.unit !== unit) return [];
      const { raw, sampled } = latency;
      if (raw.buckets.length === 0 || sampled === 0) return [];
      const [buckets, times] = [netBuckets(latency), netTimes(latency)];
      const shown =
        buckets === null || times === null
          ? {
              buckets: raw.buckets,
              times: { p10: raw.p10, p50: raw.p50, p90: raw.p90 },
              net: false,
            }
          : { buckets, times, net: true };
      return [
        {
          name: stage,
          className: stageClass(stage),
          words: shown.net ? `${count(sampled)} timed` : `${count(sampled)}, RAW`,
          buckets: shown.buckets,
          marks: Object.values(shown.times),
          says: `${stage}, ${shown.net ? NET_WORDS : `raw (${RAW_WORDS})`}: ${percentiles({ ...shown.times }, unit)}`,
        },
      ];
    });
    if (rows.length === 0) return [];
    const words = `${unit === "ns" ? "Latency" : "Instruction"} distribution in ${item.id}`;
    const title = `${words}, ${NET_WORDS} (RAW where that is said)`;
    const axis = AXIS_WORDS[unit];
    return [
      ridges(rows, { id: `dist-${index}-${unit}`, title, axis, unit, bins, label: STAGE_LABEL }),
    ];
  });
}

export interface Ridge {
  readonly name: string;
  readonly className: string;
  /** How many values the histogram holds, and of what. */
  readonly words: string;
  /** Ascending, and at least one. */
  readonly buckets: readonly Bucket[];
  /** Values that are marked below the ridge. */
  readonly marks: readonly number[];
  /** What it tells in numbers. */
  readonly says: string;
}

export interface RidgeOptions {
  /** Unique on the page. */
  readonly id: string;
  readonly title: string;
  readonly axis: string;
  readonly unit: Latency["unit"];
  /** Steps of the axis in which values are drawn together. */
  readonly bins: number;
  /** Width that the names have. */
  readonly label: number;
}

/** At least one row. */
export function ridges(
  rows: readonly Ridge[],
  { id, title, axis, unit, bins, label }: RidgeOptions,
): Html {
  const buckets = rows.flatMap((row) => row.buckets);
  const low = Math.max(1, Math.min(...buckets.map(([from]) => from)));
  const high = Math.max(low + 1, ...buckets.map(([, to]) => to));
  const scale = logScale(low, high, [label, FIGURE_WIDTH - 20]);
  const bottom = 12 + rows.length * RIDGE;
  return figure({
    id,
    title,
    desc: rows
      .map(({ name, words, buckets: own }) => {
        const [from = 0] = own[0] ?? [];
        const [, to = 0] = own.at(-1) ?? [];
        return `${name}: ${words}, from ${from} to ${to} ${unit}`;
      })
      .join("; "),
    width: FIGURE_WIDTH,
    height: bottom + 38,
    body: [
      bottomAxis(scale, logTicks(scale), {
        top: 6,
        bottom,
        label: axis,
        unit: unit === "ns" ? "ns" : "",
      }),
      ...rows.map((row, place) => {
        const exact = unit === "instructions" && row.buckets.length <= bins * 4;
        const base = 6 + (place + 1) * RIDGE;
        const shape = exact
          ? html`<path class="${row.className} wide" d="${stems(row, scale, base)}"/>`
          : html`<path class="${row.className} area" d="${outlined(binned(row, scale, bins), base)}"/>`;
        return ridge(row, scale, base, shape);
      }),
    ],
  });
}

function ridge(
  { name, className, words, marks, says }: Ridge,
  scale: LogScale,
  base: number,
  shape: Html,
) {
  const ticks = marks
    .map((value) => `M${px(scale(Math.max(value, scale.domain()[0] ?? 1)))} ${base + 1}v6`)
    .join("");
  const body = html`${shape}<path class="${className} wide" d="${ticks}"/>`;
  return html`<text class="b" x="0" y="${base - 22}">${name}</text><text class="t" x="0" y="${base - 7}">${words}</text>${marked(says, body)}
`;
}

/** Exact values, each a line as high as its share; the rarest still shows. */
function stems({ buckets }: Ridge, scale: LogScale, base: number): string {
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
function binned({ buckets }: Ridge, scale: LogScale, steps: number): Bin[] {
  const [from = 0, to = 1] = scale.range();
  const width = (to - from) / steps;
  const bins = Array.from(
    { length: steps },
    (_, index): Bin => ({ x: from + (index + 0.5) * width, value: 0 }),
  );
  const floor = scale.domain()[0] ?? 1;
  for (const [low, high, n] of buckets) {
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
