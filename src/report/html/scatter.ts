/** Small plots of one number against another. */

import { quantity, scaleFor } from "../../text/units.ts";
import { leftAxis, linearScale } from "./axis.ts";
import { type Html, html, px } from "./markup.ts";
import { figure, marked } from "./parts.ts";

const WIDTH = 320;
const HEIGHT = 150;
const PLOT = { left: 52, right: 308, top: 26, bottom: 108 };

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Drawn as a cross. */
  readonly bad?: boolean;
  readonly says: string;
}

export interface ScatterOptions {
  /** Unique on the page. */
  readonly id: string;
  readonly title: string;
  readonly caption: Html;
  readonly xUnit: string;
  readonly xLabel: string;
  readonly yUnit: string;
}

/** At least one point; both axes begin at zero. */
export function scatter(points: readonly Point[], options: ScatterOptions): Html {
  const { id, title, caption, xUnit, xLabel, yUnit } = options;
  const most = Math.max(...points.map(({ x }) => x));
  const x = linearScale(0, most, [PLOT.left, PLOT.right]);
  const y = linearScale(0, Math.max(...points.map((point) => point.y)), [PLOT.bottom, PLOT.top]);
  const { divisor, label } = scaleFor(xUnit, most);
  const ticks = x.ticks(3).map((tick) => {
    const text = String(Number((tick / divisor).toPrecision(4)));
    return html`<text class="t c" x="${px(x(tick))}" y="${PLOT.bottom + 15}">${text}</text>`;
  });
  const marks = points.map(({ x: at, y: value, bad, says }) => {
    const [cx, cy] = [x(at), y(value)];
    return marked(
      says,
      bad
        ? html`<path class="gone" d="M${px(cx - 3)} ${px(cy - 3)}l6 6m0 -6l-6 6"/>`
        : html`<path class="dots" d="M${px(cx)} ${px(cy)}h0"/>`,
    );
  });
  return figure({
    id,
    title,
    desc: `${points.length} points, ${xLabel} up to ${quantity(most, xUnit)}`,
    width: WIDTH,
    height: HEIGHT,
    className: "strip",
    caption,
    body: [
      leftAxis(y, { left: PLOT.left, right: PLOT.right, unit: yUnit, ticks: 3 }),
      html`<path class="axis" d="M${PLOT.left} ${PLOT.bottom}H${PLOT.right}"/>${ticks}<text class="t c" x="${(PLOT.left + PLOT.right) / 2}" y="${PLOT.bottom + 31}">${label === "" ? xLabel : `${xLabel} (${label})`}</text>${marks}`,
    ],
  });
}
