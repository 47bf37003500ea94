/** Whether the rounds of one case are of one mind: a median of rounds that are not says little. */
import { lagOne } from "./autocorrelation.ts";
import { ascending, quantile } from "./quantile.ts";

/** Interquartile range over median above which a case's rounds are said to spread. */
const SPREAD_LIMIT = 0.2;
/** Fewer have no quartiles worth the name. */
const LEAST_SPREAD = 4;
/** Fewer say nothing of their order. */
const LEAST_DRIFT = 8;
/** The standard normal's 99th percentile. */
const Z99 = 2.326;

export interface Unsteadiness {
  /** Interquartile range over median, where above SPREAD_LIMIT; else null. */
  spread: number | null;
  /** The lag-1 autocorrelation, where no series without order would have one as high in 99 of 100 cases; else null. */
  drift: number | null;
}

export function unsteadiness(values: readonly number[]): Unsteadiness {
  return { spread: spreadOf(values), drift: driftOf(values) };
}

/** A sentence each. */
export function unsteadyWords(metric: string, { spread, drift }: Unsteadiness): string[] {
  return [
    ...(spread === null
      ? []
      : [
          `the rounds of ${metric} spread by ${Math.round(spread * 100)} % (interquartile range over median, more than ${SPREAD_LIMIT * 100} %): other work on this host, or other people's probes`,
        ]),
    ...(drift === null
      ? []
      : [
          `the rounds of ${metric} are not independent (lag-1 autocorrelation ${drift.toFixed(2)}, which chance gives in less than 1 % of cases): the host drifts, and an interval over rounds is too narrow`,
        ]),
  ];
}

function spreadOf(values: readonly number[]): number | null {
  if (values.length < LEAST_SPREAD) return null;
  const sorted = ascending(values);
  const share = (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / quantile(sorted, 0.5);
  return share > SPREAD_LIMIT ? share : null;
}

/** The one-sided limit for a circular series' coefficient: (-1 + z sqrt(n - 2)) / (n - 1); R. L. Anderson, Ann. Math. Stat. 13 (1942). */
function driftOf(values: readonly number[]): number | null {
  const n = values.length;
  const lag = n < LEAST_DRIFT ? null : lagOne(values);
  return lag !== null && lag > (-1 + Z99 * Math.sqrt(n - 2)) / (n - 1) ? lag : null;
}
