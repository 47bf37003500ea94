/**
 * Adjusts the p values of several tests so that the chance of any false alarm among them stays what one
 * test's would be (Holm, Scandinavian Journal of Statistics 6, 1979). In the order given; at most 1.
 */
export function holm(p: readonly number[]): number[] {
  const ascending = p.map((value, index) => ({ value, index })).sort((a, b) => a.value - b.value);
  const adjusted = p.map(() => 1);
  let least = 0;
  ascending.forEach(({ value, index }, smaller) => {
    least = Math.max(least, Math.min(1, value * (p.length - smaller)));
    adjusted[index] = least;
  });
  return adjusted;
}
