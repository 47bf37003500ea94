/** How often something happens, from how often it was seen to. */

/**
 * The exact 95 % interval of a share, `hits` of `trials` having been hits (Clopper and Pearson,
 * Biometrika 26, 1934): each end leaves 2.5 % for a count as extreme as the one that was seen. Throws
 * a RangeError unless 0 <= hits <= trials and there was a trial.
 */
export function shareInterval(hits: number, trials: number): [number, number] {
  if (!(trials > 0 && hits >= 0 && hits <= trials)) {
    throw new RangeError(`no share: ${hits} of ${trials}`);
  }
  const low = hits === 0 ? 0 : solve((share) => 1 - atMost(hits - 1, trials, share) > TAIL);
  const high = hits === trials ? 1 : solve((share) => atMost(hits, trials, share) < TAIL);
  return [low, high];
}

const TAIL = 0.025;
/** Halvings of [0, 1]: as far as a double's fraction goes. */
const HALVINGS = 52;

/** The least share for which the condition holds; it holds for all greater ones. */
function solve(holds: (share: number) => boolean): number {
  let [low, high] = [0, 1];
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) / 2;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** The binomial distribution: the chance of `most` hits or fewer. */
function atMost(most: number, trials: number, share: number): number {
  let logWays = 0;
  let sum = 0;
  for (let hits = 0; hits <= most; hits++) {
    if (hits > 0) logWays += Math.log((trials - hits + 1) / hits);
    sum += Math.exp(logWays + hits * Math.log(share) + (trials - hits) * Math.log1p(-share));
  }
  return sum;
}
