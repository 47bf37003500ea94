const UNITS: Record<string, number> = { "": 1e9, s: 1e9, ms: 1e6, us: 1e3, ns: 1, m: 60e9 };

/** Nanoseconds of `1`, `1s`, `500ms`, `2m`; null when it is no duration. */
export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(s|ms|us|ns|m|)$/.exec(text);
  const unit = UNITS[match?.[2] ?? "none"];
  if (match === null || unit === undefined) return null;
  return Math.round(Number(match[1]) * unit);
}
