import { randomInt } from "node:crypto";
import { seededRandom } from "../src/stats/random.ts";

/** BRIDGESCOPE_SEED makes the same again; without it no two runs draw the same. */
export function newSeed(): number {
  const asked = process.env.BRIDGESCOPE_SEED;
  return asked === undefined ? randomInt(2 ** 31) : Number(asked);
}

/** What a test draws from, from 0 to 1; its seed is told past vitest, for a failure that is to be made again. */
export function randomOf(what: string): () => number {
  const seed = newSeed();
  process.stdout.write(`${what}: BRIDGESCOPE_SEED=${seed}\n`);
  return seededRandom(seed);
}
