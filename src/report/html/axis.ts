/** Axes: ticks at numbers people say, units in the label. */
import { type ScaleLinear, type ScaleLogarithmic, scaleLinear, scaleLog } from "d3-scale";
import { digits, quantity, scaleFor } from "../../text/units.ts";
import { type Html, html, px } from "./markup.ts";

export type LogScale = ScaleLogarithmic<number, number>;
export type LinearScale = ScaleLinear<number, number>;

/** A log scale that ends at whole 1, 2 or 5 times powers of ten around the values. */
export function logScale(low: number, high: number, range: [number, number]): LogScale {
  const from = Math.max(low, 1e-9);
  return scaleLog([niceBelow(from), niceAbove(Math.max(high, from * 1.01))], range);
}

/** A log scale around 1 for ratios, which are often nearer to it than a nice step. */
export function ratioScale(low: number, high: number, range: [number, number]): LogScale {
  const [from, to] = [Math.min(low, 1), Math.max(high, 1)];
  const room = Math.max(1.0005, (to / from) ** 0.05);
  return scaleLog([from / room, to * room], range);
}

export function linearScale(low: number, high: number, range: [number, number]): LinearScale {
  return scaleLinear([low, high > low ? high : low + 1], range).nice(4);
}

/** 1, 2, 5 in each decade, or only 1 where there are many decades. */
export function logTicks(scale: LogScale): number[] {
  const [low = 1, high = 10] = scale.domain();
  const decades = Math.log10(high / low);
  const steps = decades > 3.5 ? [1] : decades > 1.6 ? [1, 3] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const step of steps) {
      const value = step * 10 ** power;
      if (value >= low * 0.999 && value <= high * 1.001) ticks.push(value);
    }
  }
  return ticks;
}

/** Vertical grid lines with their numbers below, each with its unit, and the axis label. */
export function bottomAxis(
  scale: LogScale | LinearScale,
  ticks: readonly number[],
  at: { top: number; bottom: number; label: string; unit: string },
): Html {
  const path = ticks.map((tick) => `M${px(scale(tick))} ${px(at.top)}V${px(at.bottom)}`).join("");
  const [from = 0, to = 0] = scale.range();
  const texts = ticks.map(
    (tick) =>
      html`<text class="t c" x="${px(scale(tick))}" y="${px(at.bottom + 15)}">${tickText(tick, at.unit)}</text>`,
  );
  return html`<path class="grid" d="${path}"/>${texts}<text class="t c" x="${px((from + to) / 2)}" y="${px(at.bottom + 31)}">${at.label}</text>`;
}

/** Horizontal grid lines with their numbers at the left, all in one unit, named above. */
export function leftAxis(
  scale: LinearScale,
  at: { left: number; right: number; unit: string; ticks: number; label?: string },
): Html {
  const ticks = scale.ticks(at.ticks);
  const [low = 0, high = 0] = scale.domain();
  const unit = scaleFor(at.unit, Math.max(Math.abs(low), Math.abs(high)));
  const path = ticks.map((tick) => `M${px(at.left)} ${px(scale(tick))}H${px(at.right)}`).join("");
  const texts = ticks.map(
    (tick) =>
      html`<text class="t e" x="${px(at.left - 6)}" y="${px(scale(tick) + 4)}">${plain(tick / unit.divisor)}</text>`,
  );
  const [bottom = 0, top = 0] = scale.range();
  const label = at.label === undefined ? unit.label : `${at.label} (${unit.label})`;
  return html`<path class="grid" d="${path}"/>${texts}<text class="t" x="0" y="${px(Math.min(top, bottom) - 8)}">${label}</text>`;
}

function tickText(value: number, unit: string): string {
  return unit === "" ? plain(value) : quantity(value, unit);
}

// Ticks are round: 0.30000000000000004 is 0.3.
function plain(value: number): string {
  return Math.abs(value) >= 1000 ? digits(value) : String(Number(value.toPrecision(6)));
}

function niceBelow(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [5, 2, 1].map((step) => step * power).find((step) => step <= value * 1.0001) ?? power;
}

function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * 0.9999) ?? power;
}
