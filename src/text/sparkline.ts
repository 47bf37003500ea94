/** Samples as a word: `▁▂▅█`, each between its own least and most. */

const LEVELS = "▁▂▃▄▅▆▇█";

/** At most `width` characters; where there are more samples, each character is a mean of some. */
export function sparkline(values: readonly number[], width: number): string {
  const points = binned(values, width);
  const low = Math.min(...points);
  const high = Math.max(...points);
  return points
    .map((value) => {
      const level = high === low ? 3 : Math.round(((value - low) / (high - low)) * 7);
      return LEVELS[level] ?? "";
    })
    .join("");
}

function binned(values: readonly number[], width: number): number[] {
  if (values.length <= width) return [...values];
  return Array.from({ length: width }, (_, index) => {
    const start = Math.floor((index * values.length) / width);
    const part = values.slice(start, Math.floor(((index + 1) * values.length) / width));
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}
