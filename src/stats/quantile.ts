/** The p-quantile of ascending values, linear between order statistics (Hyndman and Fan's type 7). */
export function quantile(sorted: readonly number[], p: number): number {
  if (sorted.length === 0) return Number.NaN;
  const position = p * (sorted.length - 1);
  const low = Math.floor(position);
  const a = sorted[low] ?? Number.NaN;
  const b = sorted[Math.min(low + 1, sorted.length - 1)] ?? a;
  return a + (b - a) * (position - low);
}

export function ascending(values: Iterable<number>): number[] {
  // A typed array sorts numbers as numbers, without a call for each comparison.
  return Array.from(Float64Array.from(values).sort());
}

export function median(values: Iterable<number>): number {
  return quantile(ascending(values), 0.5);
}
