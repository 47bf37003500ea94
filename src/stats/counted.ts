/** Instruction-counted time: the same bridge rebuilt, round by round and boot by boot. */
import type { Estimate } from "./bootstrap.ts";

export interface CountedRound {
  /** The round's own mode, in instructions. */
  readonly value: number;
  /** Which boot of the guest the round was measured in. */
  readonly boot: number | string;
}

/**
 * The mode over all rounds; its interval is what the boots disagree on: the span of their own modes
 * and the headline. Of values that are equally frequent the least is taken: what disturbs a round
 * (the seed of the FDB's hash, the layout) mostly adds. A mean would follow the rare long ones.
 * With one boot the interval is the span of its rounds, which says nothing about another boot.
 * Throws a RangeError without rounds.
 */
export function countedEstimate(rounds: readonly CountedRound[]): Estimate {
  const value = mode(rounds);
  const boots = [...new Set(rounds.map((round) => round.boot))];
  const n = rounds.length;
  const ends =
    boots.length > 1
      ? boots.map((boot) => mode(rounds.filter((round) => round.boot === boot)))
      : rounds.map((round) => round.value);
  const method =
    boots.length > 1
      ? `mode over ${n} rounds of ${boots.length} boots; interval: the span of the boots' own modes`
      : "mode over the rounds of one boot; interval: the span of its rounds";
  return { value, ci: [Math.min(value, ...ends), Math.max(value, ...ends)], method, n };
}

/**
 * How often two sets of boots of one and the same kernel lie wholly apart, if boots differ at random:
 * of all ways to deal a + b ranks, two put one set above the other. An upper bound, since boots that
 * agree overlap.
 */
export function chanceOfApart(a: number, b: number): number {
  let ways = 1;
  for (let i = 1; i <= a; i++) ways = (ways * (b + i)) / i;
  return Math.min(1, 2 / ways);
}

function mode(rounds: readonly CountedRound[]): number {
  const seen = new Map<number, number>();
  for (const { value } of rounds) seen.set(value, (seen.get(value) ?? 0) + 1);
  const [first] = [...seen].sort((x, y) => y[1] - x[1] || x[0] - y[0]);
  if (first === undefined) throw new RangeError("countedEstimate needs at least one round");
  return first[0];
}
