/** Round by round, so that drift, steps and discarded rounds are seen. */
import type { Case, Run } from "../../document/run.ts";
import { duration, quantity, spanLike } from "../../text/units.ts";
import { type Series, seriesOf } from "../facts/metrics.ts";
import { COUNTED_SENTENCE } from "../facts/words.ts";
import { leftAxis, linearScale } from "./axis.ts";
import type { Detail } from "./detail.ts";
import { type Html, html, lines, px } from "./markup.ts";
import { code, figure, fold, marked, section } from "./parts.ts";

const WIDTH = 320;
const HEIGHT = 132;
const PLOT = { left: 52, right: 312, top: 26, bottom: 96 };
const OPEN = 3;

export function roundsSection(run: Run, detail: Detail): Html {
  return section("rounds", "Round by round", [
    html`<p>One dot a round, at the time it started. The line is the median and the band the quartiles of the rounds that count; a cross is a discarded round. Each axis spans its own samples and does not start at zero.${run.environment.clock === "icount" ? ` ${COUNTED_SENTENCE}` : ""}</p>`,
    ...run.cases.map((item, index) =>
      fold({
        id: `rounds-${index}`,
        summary: html`${code(item.id)}${state(item)}`,
        open: index < OPEN || item.state !== "complete",
        body: [
          ...notes(item),
          html`<div class="strips">${seriesOf(item)
            .slice(0, detail.strips)
            .map((series, place) =>
              strip(item, series, `strip-${index}-${place}`, detail.roundTips),
            )}</div>`,
        ],
      }),
    ),
  ]);
}

function state(item: Case): Html {
  return item.state === "complete" ? html`` : html` <span class="badge alarm">${item.state}</span>`;
}

function notes(item: Case): Html[] {
  const gone = item.rounds.filter((round) => round.discarded !== null);
  return [
    ...(item.error === null
      ? []
      : [
          html`<div class="box alarm"><pre tabindex="0" aria-label="error">${lines(item.error)}</pre></div>`,
        ]),
    ...item.warnings.map((text) => html`<p class="caution">Warning: ${text}</p>`),
    ...gone.map(
      (round) => html`<p class="soft">Round ${round.index} discarded: ${round.discarded}</p>`,
    ),
    ...(Object.keys(item.metrics).length === 0 ? [html`<p>No metric was measured.</p>`] : []),
  ];
}

function strip(item: Case, series: Series, id: string, tips: boolean): Html {
  const { samples, spread, unit } = series;
  const values = samples.map((sample) => sample.value);
  const x = placement(series);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = (high - low) * 0.08 || Math.abs(high) * 0.01 || (unit === "ratio" ? 0.01 : 1);
  // Nothing that is never negative gets an axis below zero.
  const floor = low >= 0 ? Math.max(0, low - room) : low - room;
  const y = linearScale(floor, high + room, [PLOT.bottom, PLOT.top]);
  const dots = samples
    .flatMap((one, i) => (one.discarded === null ? [`M${px(x.at(i))} ${px(y(one.value))}h0`] : []))
    .join("");
  const crosses = samples
    .flatMap((one, i) => (one.discarded === null ? [] : [cross(x.at(i), y(one.value))]))
    .join("");
  const tipped = samples.map(({ value, discarded, round }, i) => {
    const gone = discarded === null ? "" : `, discarded: ${discarded}`;
    const mark =
      discarded === null
        ? html`<path class="dots" d="M${px(x.at(i))} ${px(y(value))}h0"/>`
        : html`<path class="gone" d="${cross(x.at(i), y(value))}"/>`;
    return marked(`round ${round}: ${quantity(value, unit)}${gone}`, mark);
  });
  const said =
    spread === null
      ? "no round counts"
      : `median ${quantity(spread.median, unit)}, quartiles ${spanLike(spread.q1, spread.q3, unit, spread.median)}`;
  const middle =
    spread === null
      ? null
      : html`<rect class="band" x="${PLOT.left}" y="${px(y(spread.q3))}" width="${PLOT.right - PLOT.left}" height="${px(Math.max(1, y(spread.q1) - y(spread.q3)))}"/><path class="line" d="M${PLOT.left} ${px(y(spread.median))}H${PLOT.right}"/>`;
  return figure({
    id,
    title: `${series.title} in ${item.id}`,
    desc: `${samples.length} rounds: ${said}`,
    width: WIDTH,
    height: HEIGHT,
    className: "strip",
    caption: html`<strong>${series.title}</strong> (${series.better} is better): ${said}`,
    body: [
      leftAxis(y, { left: PLOT.left, right: PLOT.right, unit, ticks: 3 }),
      html`${middle}${tips ? tipped : html`<path class="dots" d="${dots}"/><path class="gone" d="${crosses}"/>`}<path class="axis" d="M${PLOT.left} ${PLOT.bottom}H${PLOT.right}"/><text class="t" x="${PLOT.left}" y="${PLOT.bottom + 15}">${x.first}</text><text class="t e" x="${PLOT.right}" y="${PLOT.bottom + 15}">${x.last}</text><text class="t c" x="${(PLOT.left + PLOT.right) / 2}" y="${PLOT.bottom + 31}">${x.label}</text>`,
    ],
  });
}

interface Placement {
  readonly at: (index: number) => number;
  readonly first: string;
  readonly last: string;
  readonly label: string;
}

/** By the clock where rounds have one; else by their number. */
function placement({ samples }: Series): Placement {
  const starts = samples.flatMap((one) => (one.startNs === null ? [] : [one.startNs]));
  const begin = Math.min(...starts);
  const long = Math.max(...starts) - begin;
  const inset: [number, number] = [PLOT.left + 8, PLOT.right - 8];
  if (starts.length === samples.length && long > 0) {
    const scale = linear(0, long, inset);
    const at = (index: number) => scale((samples[index]?.startNs ?? begin) - begin);
    return { at, first: "0 s", last: duration(long), label: "since the first round" };
  }
  const scale = linear(0, Math.max(1, samples.length - 1), inset);
  return {
    at: (index) => scale(index),
    first: String(samples[0]?.round ?? 0),
    last: String(samples.at(-1)?.round ?? 0),
    label: "round",
  };
}

function linear(
  low: number,
  high: number,
  [from, to]: [number, number],
): (value: number) => number {
  return (value) => from + ((value - low) / (high - low)) * (to - from);
}

function cross(x: number, y: number): string {
  return `M${px(x - 3)} ${px(y - 3)}l6 6m0 -6l-6 6`;
}
