/** Tails of the two distributions that a small sample is corrected by. */

/**
 * The chance that Student's t with `freedom` (a whole number from 1 on) degrees of freedom is above `t`: the finite
 * series of Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
 */
export function studentTail(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = freedom % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = 0;
  for (let power = odd ? 1 : 0; power <= freedom - 2; power += 2) {
    sum += term;
    term *= (cosine ** 2 * (power + 1)) / (power + 2);
  }
  const inside = odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
  return (1 - inside) / 2;
}

/** The t that is exceeded with this chance, which is below one half. */
export function studentQuantile(tail: number, freedom: number): number {
  let [low, high] = [0, 1];
  while (studentTail(high, freedom) > tail) high *= 2;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (studentTail(middle, freedom) > tail) low = middle;
    else high = middle;
  }
  return high;
}

const STEPS = 2000;
/** Standard deviations beyond which nothing is left that a double could hold beside the rest. */
const FAR = 12;

/** The chance that a normal value is above `z`, which is not negative: its density by Simpson's rule. */
export function normalTail(z: number): number {
  const width = FAR / STEPS;
  let sum = density(z) + density(z + FAR);
  for (let step = 1; step < STEPS; step++) {
    sum += density(z + step * width) * (step % 2 === 1 ? 4 : 2);
  }
  return (sum * width) / 3;
}

function density(z: number): number {
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
}
