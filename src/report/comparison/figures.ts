/** Ratios with their intervals, and what a stage takes on each kernel. */
import type { Comparison, Verdict } from "../../document/compare.ts";
import { clip } from "../../text/printable.ts";
import { bare, count, plural } from "../../text/units.ts";
import { AXIS_WORDS, COUNTED_SENTENCE } from "../facts/words.ts";
import { bottomAxis, type LogScale, logScale, logTicks, ratioScale } from "../html/axis.ts";
import { type Html, html, px } from "../html/markup.ts";
import { figure, legend, marked } from "../html/parts.ts";
import { FIGURE_WIDTH, sideClass, verdictClass } from "../html/tokens.ts";
import { type Kind, metricText, ratioSpan, ratioText } from "./facts.ts";

const LABEL = 330;
const RIGHT = 200;
const ROW = 22;
/** Rows of a figure; the table below it has all. */
const MOST = 60;
const DESCRIBED = 20;

/** One row a ratio: dot and interval on a logarithmic axis, the margin shaded. */
export function forest(id: string, title: string, verdicts: readonly Verdict[], kind: Kind): Html {
  const known = verdicts.flatMap((one) =>
    one.ratio === null || one.ci === null ? [] : [{ one, ratio: one.ratio, ci: one.ci }],
  );
  const rows = known.slice(0, MOST);
  const [first] = rows;
  if (first === undefined) return html``;
  const margin = first.one.margin;
  const ends = [1 / (1 + margin), 1 + margin, ...rows.flatMap(({ ci }) => ci)];
  const scale = ratioScale(Math.min(...ends), Math.max(...ends), [LABEL, FIGURE_WIDTH - RIGHT]);
  const bottom = 16 + rows.length * ROW;
  const [left, edge] = [scale(1 / (1 + margin)), scale(1 + margin)];
  const unit = kind === "counted" ? "instructions, candidate to base" : "candidate to base";
  const more = known.length - rows.length;
  const rest = more > 0 ? ` ${plural(more, "more row")} in the table.` : "";
  return figure({
    id,
    title,
    desc: rows
      .slice(0, DESCRIBED)
      .map(({ one }) => `${one.case} ${metricText(one)}: ${ratioText(one)}, ${one.verdict}`)
      .join("; "),
    width: FIGURE_WIDTH,
    height: bottom + 38,
    caption: `Dot and line: ratio and its interval; filled where the two intervals do not overlap. 1 is no change; the band is the margin.${kind === "counted" ? ` ${COUNTED_SENTENCE}` : ""}${rest}`,
    body: [
      html`<rect class="band" x="${px(left)}" y="4" width="${px(Math.max(1, edge - left))}" height="${bottom - 4}"/>`,
      bottomAxis(scale, scale.ticks(6), {
        top: 4,
        bottom,
        label: `ratio (logarithmic): ${unit}`,
        unit: "",
      }),
      html`<path class="line" d="M${px(scale(1))} 4V${bottom}"/>`,
      ...rows.map(({ one, ratio, ci: [low, high] }, index) => {
        const y = 20 + index * ROW;
        const name = verdictClass(one.verdict);
        return html`<text class="m" x="0" y="${y + 4}">${clip(`${one.case} ${metricText(one)}`, 44)}</text>${marked(`${one.case} ${metricText(one)}: ${ratioText(one)} (${ratioSpan(one)}), ${one.verdict}`, html`<path class="${name} wide" d="M${px(scale(low))} ${y}H${px(Math.max(scale(high), scale(low) + 1))}"/><circle class="${name}${one.beyond ? "" : " hollow"}" cx="${px(scale(ratio))}" cy="${y}" r="4.5"/>`)}<text class="e" x="${FIGURE_WIDTH}" y="${y + 4}">${ratioText(one)} (${ratioSpan(one)})</text>
`;
      }),
    ],
  });
}

/** For each stage in instructions: every case a row, every kernel a mark. */
export function stagesByKernel(comparison: Comparison): Html {
  const counted = comparison.verdicts.filter(
    (one) => one.comparable && one.unit === "instructions",
  );
  if (counted.length === 0) return html``;
  const labels = labelsOf(comparison);
  const stages = [...new Set(counted.map((one) => one.metric))];
  const figures = stages.map((stage, index) =>
    byKernel(
      `kernels-${index}`,
      stage,
      counted.filter((one) => one.metric === stage),
      labels,
    ),
  );
  return html`${sideLegend(comparison)}${figures}`;
}

export function sideLegend(comparison: Comparison): Html {
  return legend(labelsOf(comparison).map((text, place) => ({ className: sideClass(place), text })));
}

/** The base, then the candidates. */
export function labelsOf({ base, candidates }: Comparison): string[] {
  return [base.label, ...candidates.map((side) => side.label)];
}

interface Mark {
  readonly place: number;
  readonly value: number;
  readonly ci: readonly [number, number];
}

function byKernel(
  id: string,
  stage: string,
  verdicts: readonly Verdict[],
  labels: readonly string[],
): Html {
  const all = [...new Set(verdicts.map((one) => one.case))];
  const rows = all.slice(0, MOST).map((name) => ({
    name,
    marks: marksOf(
      verdicts.filter((one) => one.case === name),
      labels,
    ),
  }));
  const ends = rows.flatMap(({ marks }) => marks.flatMap(({ ci }) => ci));
  const scale = logScale(Math.max(1, Math.min(...ends)), Math.max(2, ...ends), [
    LABEL,
    FIGURE_WIDTH - RIGHT,
  ]);
  // One line in a row for each kernel, so that marks which agree do not hide each other.
  const step = 9;
  const height = (marks: readonly Mark[]) => marks.length * step + 9;
  const bottom = 26 + rows.reduce((sum, row) => sum + height(row.marks), 0);
  let top = 26;
  return figure({
    id,
    title: `${stage}: instructions by kernel`,
    desc: rows
      .slice(0, DESCRIBED)
      .map(({ name, marks }) => `${name}: ${spoken(marks, labels)}`)
      .join("; "),
    width: FIGURE_WIDTH,
    height: bottom + 38,
    caption:
      all.length > rows.length
        ? `${COUNTED_SENTENCE} ${plural(all.length - rows.length, "more case")} in the table.`
        : COUNTED_SENTENCE,
    body: [
      html`<text class="b" x="0" y="14">${stage}</text>`,
      bottomAxis(scale, logTicks(scale), {
        top: 20,
        bottom,
        label: AXIS_WORDS.instructions,
        unit: "",
      }),
      ...rows.map(({ name, marks }) => {
        const y = top;
        top += height(marks);
        return html`<text class="m" x="0" y="${y + 12}">${clip(name, 44)}</text>${marks.map((mark, index) => markAt(mark, `${name}, ${labels[mark.place] ?? ""}: ${bare(mark.value, "instructions")} instructions`, scale, y + 8 + index * step))}<text class="e" x="${FIGURE_WIDTH}" y="${y + 12}">${clip(marks.map(({ value }) => bare(value, "instructions")).join(", "), 34)}</text>
`;
      }),
    ],
  });
}

function marksOf(verdicts: readonly Verdict[], labels: readonly string[]): Mark[] {
  const [first] = verdicts;
  if (first === undefined) return [];
  const mark = (place: number, value: number, ci: Verdict["baseCi"]): Mark => ({
    place,
    value,
    ci: ci ?? [value, value],
  });
  return [
    mark(0, first.baseValue, first.baseCi),
    ...verdicts.map((one) =>
      mark(labels.indexOf(one.candidate), one.candidateValue, one.candidateCi),
    ),
  ];
}

function markAt(
  { place, value, ci: [low, high] }: Mark,
  says: string,
  scale: LogScale,
  y: number,
): Html {
  const at = (one: number) => scale(Math.max(1, one));
  const name = sideClass(place);
  return marked(
    says,
    html`<path class="${name} wide" d="M${px(at(low))} ${y}H${px(Math.max(at(high), at(low) + 1))}"/><circle class="${name}${place === 0 ? " hollow" : ""}" cx="${px(at(value))}" cy="${y}" r="4"/>`,
  );
}

function spoken(marks: readonly Mark[], labels: readonly string[]): string {
  return marks.map(({ place, value }) => `${labels[place] ?? ""} ${count(value)}`).join(", ");
}
