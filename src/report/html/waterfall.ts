/** The way of a frame: each stage from where the one before it ended, and what they leave of the path. */
import type { Case, Latency } from "../../document/run.ts";
import { clip } from "../../text/printable.ts";
import { digits, passage, percentiles } from "../../text/units.ts";
import { type Leg, type Way, wayOf } from "../facts/way.ts";
import { NET_WORDS, STAGE_WORDS } from "../facts/words.ts";
import { bottomAxis, type LinearScale, linearScale } from "./axis.ts";
import { type Html, html, px } from "./markup.ts";
import { figure, marked } from "./parts.ts";
import { FIGURE_WIDTH, stageClass } from "./tokens.ts";

const LABEL = 200;
const RIGHT = 250;
const ROW = 24;
const BAR = 14;
/** Stands for a length that is not known. */
const STUB = 14;

/** Empty where the case has no net times. */
export function waterfall(item: Case, index: number): Html {
  const way = wayOf(item);
  if (way === null) return html``;
  const { unit, legs, rest, path } = way;
  const all = path === null ? legs : [...legs, path];
  const scale = linearScale(0, Math.max(...all.map(({ start, times }) => start + times.p90)), [
    LABEL,
    FIGURE_WIDTH - RIGHT,
  ]);
  const draw = (leg: Leg) => (y: number) => row(leg, unit, scale, y);
  const rows = [
    ...legs.map(draw),
    ...(rest === null ? [] : [(y: number) => restRow(way, rest, scale, y)]),
    ...(path === null ? [] : [draw(path)]),
  ];
  const bottom = 8 + rows.length * ROW;
  return figure({
    id: `way-${index}`,
    title: `The way of a frame in ${item.id}, ${NET_WORDS}`,
    desc: [
      ...all.map(({ name, times }) => `${name}: ${said(times, unit)}`),
      ...(rest === null ? [] : [`not probed: ${restWords(unit, rest)}`]),
    ].join("; "),
    width: FIGURE_WIDTH,
    height: bottom + 38,
    caption: captionOf(way),
    body: [
      bottomAxis(scale, scale.ticks(6), {
        top: 4,
        bottom,
        label: `${unit === "ns" ? "time" : "instructions"}, stage after stage, ${NET_WORDS}`,
        unit: unit === "ns" ? "ns" : "",
      }),
      ...rows.map((drawn, place) => drawn(8 + place * ROW)),
    ],
  });
}

function captionOf({ rest, missing, from, to, copies }: Way): string {
  const also = missing.length === 0 ? "" : ", and the stages that are missing here";
  const left =
    rest === null || rest.length === null
      ? ""
      : ` Not probed is what they leave of the path's median: transmission by the devices between the stages${also}.`;
  const unknown =
    rest?.length === null
      ? " How much lies between the stages is not known here: the path has no net time."
      : "";
  const first = copies
    ? " The first copy is drawn from where the flood begins: when it was queued no probe tells."
    : "";
  const ends = from === "" ? "" : ` The way begins at ${from}`;
  const until = from === "" ? "" : to === "" ? "." : ` and ends at ${to}.`;
  const gaps = missing.length === 0 ? "" : ` Missing: ${missing.join("; ")}.`;
  return `Bars are medians, ${NET_WORDS}, each from where the medians before it end; the line reaches to the 90th percentile. Medians do not add up exactly.${left}${unknown}${first}${ends}${until}${gaps}`;
}

function row(
  { name, stage, times, start }: Leg,
  unit: Latency["unit"],
  scale: LinearScale,
  y: number,
): Html {
  const [from, to, far] = [start, start + times.p50, start + times.p90].map((at) => scale(at));
  const className = stageClass(stage);
  const marks = html`<rect class="${className} seg" x="${px(from ?? 0)}" y="${y}" width="${px(Math.max(1, (to ?? 0) - (from ?? 0)))}" height="${BAR}"/><path class="${className} wide" d="M${px(to ?? 0)} ${y + 7}H${px(far ?? 0)}"/>`;
  const says = said(times, unit);
  return labelled(name, marked(`${name}, ${STAGE_WORDS[stage]}: ${says}`, marks), says, y);
}

function restRow(
  { unit }: Way,
  rest: NonNullable<Way["rest"]>,
  scale: LinearScale,
  y: number,
): Html {
  const words = restWords(unit, rest);
  const from = scale(rest.start);
  const to = rest.length === null ? from + STUB : scale(rest.start + Math.max(0, rest.length));
  const marks = html`<path class="hatch" d="${hatched(from, to, y)}"/>`;
  return labelled("not probed", marked(`not probed: ${words}`, marks), words, y);
}

function restWords(unit: Way["unit"], { length }: NonNullable<Way["rest"]>): string {
  if (length === null) return "not known";
  if (length < 0) return `none: bars are ${passage(-length, unit)} over the path`;
  return `${passage(length, unit)}: between the stages`;
}

/** A frame with diagonal lines, each cut where it meets the frame. */
function hatched(from: number, to: number, y: number): string {
  const width = to - from;
  const lines: string[] = [];
  for (let at = -BAR; at < width; at += 7) {
    const [left, right] = [Math.max(0, at), Math.min(width, at + BAR)];
    lines.push(
      `M${px(from + left)} ${px(y + BAR - (left - at))}L${px(from + right)} ${px(y + BAR - (right - at))}`,
    );
  }
  return `M${px(from)} ${y}H${px(to)}V${y + BAR}H${px(from)}Z${lines.join("")}`;
}

function labelled(name: string, marks: Html, says: string, y: number): Html {
  return html`<text class="m" x="0" y="${y + 11}">${clip(name, 28)}</text>${marks}<text class="t" x="${FIGURE_WIDTH - RIGHT + 12}" y="${y + 11}">${says}</text>
`;
}

function said({ p50, p90 }: Leg["times"], unit: Latency["unit"]): string {
  // Its axis says instructions, and there is no room to say so twice more.
  return unit === "ns" ? percentiles({ p50, p90 }, unit) : `p50 ${digits(p50)}, p90 ${digits(p90)}`;
}
