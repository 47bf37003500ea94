/** When a measurement that is still running is looked at, and what each look may spend. */

/** Shares of the budget at which there is a look; the last is the end. */
export const LOOKS = [0.25, 0.5, 0.75, 1] as const;

/** How steeply the spending rises: the first look spends 1.6 % of it, the last 58 %. */
const POWER = 3;

/**
 * The share of errors that a look may make: what the spending function alpha t^3 has grown by since the
 * look before (Lan and DeMets, Biometrika 70, 1983; the power family of Kim and DeMets, Biometrika 74,
 * 1987). Taken as it is, without regard to what the looks have in common, the sum over all looks is
 * alpha at the most (Bonferroni). `at` and `before` are shares of the budget, `before` of the last look
 * that took place, 0 for none.
 */
export function spentBetween(before: number, at: number, alpha: number): number {
  return alpha * (at ** POWER - before ** POWER);
}
