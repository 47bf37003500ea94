/** [lo, hi, count]: lo <= value < hi. Nanoseconds, or instructions. */
export type Bucket = [lo: number, hi: number, count: number];

/** Of the probes' histograms: their programs shift a time down until it is below twice that. */
export const STEPS_PER_OCTAVE = 16;

/** Adds histograms of the same bucket grid up; ascending, without empty buckets. */
export function mergeBuckets(buckets: Iterable<Bucket>): Bucket[] {
  const byLow = new Map<number, Bucket>();
  for (const [lo, hi, count] of buckets) {
    const known = byLow.get(lo);
    if (known === undefined) byLow.set(lo, [lo, hi, count]);
    else known[2] += count;
  }
  return [...byLow.values()].filter((bucket) => bucket[2] > 0).sort((a, b) => a[0] - b[0]);
}

export function total(buckets: readonly Bucket[]): number {
  return buckets.reduce((sum, [, , count]) => sum + count, 0);
}

/**
 * The value below which a share `p` of the samples lies, interpolated inside its bucket.
 * Off by at most one bucket's width; NaN without samples.
 */
export function bucketQuantile(buckets: readonly Bucket[], p: number): number {
  const rank = p * total(buckets);
  let below = 0;
  for (const [lo, hi, count] of buckets) {
    if (below + count >= rank) return lo + (hi - lo) * Math.max(0, (rank - below) / count);
    below += count;
  }
  return Number.NaN;
}

/** Each sample less what the probes took of it; what would be below nothing lies in the lowest bucket. */
export function withoutObserver(buckets: readonly Bucket[], taken: number): Bucket[] {
  const below = total(buckets.filter(([, hi]) => hi <= taken));
  const above = buckets
    .filter(([, hi]) => hi > taken)
    .map(([lo, hi, count]): Bucket => [Math.max(0, lo - taken), hi - taken, count]);
  const [first] = above;
  if (below === 0) return above;
  if (first?.[0] === 0) return [[0, first[1], first[2] + below], ...above.slice(1)];
  return [[0, first?.[0] ?? 1, below], ...above];
}
