/** How numbers read: three significant digits, the unit beside them. Time comes in nanoseconds. */

export interface Scale {
  /** What a value is divided by to be in `label`. */
  readonly divisor: number;
  readonly label: string;
}

const TIME: readonly Scale[] = [
  { divisor: 1, label: "ns" },
  { divisor: 1e3, label: "µs" },
  { divisor: 1e6, label: "ms" },
  { divisor: 1e9, label: "s" },
];
const PREFIXES = ["", "k", "M", "G", "T"] as const;

/** The scale in which a number of this size and unit is best read. */
export function scaleFor(unit: string, magnitude: number): Scale {
  const size = Math.abs(magnitude);
  if (unit === "ns") return largest(TIME, size);
  if (unit === "ratio") return { divisor: 0.01, label: "%" };
  // Exact, and told apart by their last digits.
  if (unit === "instructions") return { divisor: 1, label: unit };
  const glue = unit === "bit/s" || unit === "B/s" ? "" : " ";
  const scales = PREFIXES.map((prefix, power) => ({
    divisor: 1000 ** power,
    label: prefix === "" ? unit : `${prefix}${glue}${unit}`,
  }));
  return largest(scales, size);
}

/** `2.31 µs`, `13.3 Gbit/s`, `487 k frames/s`, `0.120 %`. */
export function quantity(value: number, unit: string): string {
  const scale = scaleFor(unit, value);
  return `${digits(value / scale.divisor)} ${scale.label}`;
}

/** `2.20 .. 2.45 µs`: both ends in the unit of the larger. */
export function span(low: number, high: number, unit: string): string {
  const scale = scaleFor(unit, Math.max(Math.abs(low), Math.abs(high)));
  return `${digits(low / scale.divisor)} .. ${digits(high / scale.divisor)} ${scale.label}`;
}

/** `2.20 .. 2.45`: in the unit that `quantity(like, unit)` names. */
export function spanLike(low: number, high: number, unit: string, like: number): string {
  const { divisor } = scaleFor(unit, like);
  return `${digits(low / divisor)} .. ${digits(high / divisor)}`;
}

/** Nanoseconds as people say them: `812 ns`, `2.31 µs`, `1 min 32 s`. */
export function duration(ns: number): string {
  const seconds = Math.round(ns / 1e9);
  if (seconds >= 7200)
    return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
  if (seconds >= 120) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return quantity(ns, "ns");
}

/** What a stage took: `2.31 µs`, or `1,331 instructions`. */
export function passage(value: number, unit: "ns" | "instructions"): string {
  return unit === "ns" ? duration(value) : quantity(value, unit);
}

/** `p50 2.31 µs, p99 4.10 µs`: values of a stage by the names of their shares. */
export function percentiles(
  values: Readonly<Record<string, number>>,
  unit: "ns" | "instructions",
): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${passage(value, unit)}`)
    .join(", ");
}

/** For tables and axes whose title says that the unit is instructions: the number alone. */
export function bare(value: number, unit: string): string {
  return unit === "instructions" ? digits(value) : quantity(value, unit);
}

/** An interval beside its value, in the unit of that; `-` where there is none. */
export function bareSpan(
  ci: readonly [number, number] | null,
  unit: string,
  value: number,
): string {
  return ci === null ? "-" : spanLike(ci[0], ci[1], unit, value);
}

/** Whole numbers keep every digit: `1,750,950`. */
export function count(value: number): string {
  const [whole = "0", fraction] = String(value).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** A count where there is no room for all its digits: `1.75M`. */
export function compactCount(value: number): string {
  if (Math.abs(value) < 10_000) return count(value);
  const scale = scaleFor("", value);
  return `${digits(value / scale.divisor)}${scale.label.trim()}`;
}

/** Bytes, in powers of 1,000. */
export function bytes(value: number): string {
  return quantity(value, "B");
}

/** A share of a whole: `99.9 %`; never rounded to all or nothing when it is neither. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return "-";
  const share = (part / whole) * 100;
  if (share > 0 && share < 0.1) return "<0.1 %";
  if (share < 100 && share > 99.9) return ">99.9 %";
  return `${Number.isInteger(share) ? share : share.toFixed(1)} %`;
}

/** `+12` or `-3`: what is left over, with its sign. */
export function signed(value: number): string {
  return value > 0 ? `+${count(value)}` : count(value);
}

/** Three significant digits without an exponent; whole numbers below 1,000 as they are. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1000) return String(value);
  if (size >= 99.95) return count(Math.round(value));
  if (size >= 9.995) return value.toFixed(1);
  if (size >= 0.9995) return value.toFixed(2);
  if (size >= 0.0001) return value.toFixed(size >= 0.09995 ? 3 : 4);
  return value.toExponential(1);
}

/** `1 frame`, `2 frames`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

function largest(scales: readonly Scale[], size: number): Scale {
  let best: Scale = scales[0] ?? { divisor: 1, label: "" };
  // 999.7 would print as 1,000 of the smaller unit.
  for (const scale of scales) if (size >= scale.divisor * 0.9995) best = scale;
  return best;
}
