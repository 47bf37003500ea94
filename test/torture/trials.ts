import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { seededRandom } from "../../src/stats/random.ts";
import { newSeed } from "../seed.ts";

/** What all runs of the torture found so far, by row of the table. */
interface Row {
  trials: number;
  failures: number;
  /** The first ones, in words. */
  first: string[];
  seconds: number;
  kernels: string[];
  last: string;
}
type Rows = Record<string, Row>;

const ROWS = fileURLToPath(new URL("../../docs/reliability.json", import.meta.url));

/** Trials of each row, where more than a few were asked for. */
const ASKED = process.env.BRIDGESCOPE_TRIALS;
export const wasCalledFor = ASKED !== undefined;
/** Those of `npm run torture` are entered into the table. */
const ENTERED = process.env.BRIDGESCOPE_TORTURE === "1";
const KEPT = 10;
const LONGEST = 2000;

function readRows(): Rows {
  try {
    return JSON.parse(readFileSync(ROWS, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

/** Inputs of each parser, likewise. */
const ASKED_INPUTS = process.env.BRIDGESCOPE_INPUTS;
/** Inputs between two entries into the table. */
const BATCH = 20_000;

/** The first trial of every row, and the first batch of every parser's inputs, has this seed itself. */
const FIRST_SEED = newSeed();

/**
 * Makes `few` trials of what a row of docs/reliability.md is about, or as many as were asked for. None may fail; in
 * `npm run torture` the others are made all the same, and each is entered before the next begins, so that it can be cut
 * off. `random` is the trial's own, from 0 to 1; a failure tells its seed, and BRIDGESCOPE_SEED has it tried again.
 */
export async function trials(
  row: string,
  few: number,
  trial: (random: () => number, index: number) => Promise<void> | void,
): Promise<void> {
  const failures: string[] = [];
  const count = ASKED === undefined ? few : Number(ASKED);
  const seeds = seedsOf();
  for (let index = 0; index < count; index++) {
    const seed = seeds();
    const began = Date.now();
    let failed: string[] = [];
    try {
      await trial(seededRandom(seed), index);
    } catch (error) {
      failed = [`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`];
      process.stdout.write(`${row}: ${failed[0]}\n`);
      if (!ENTERED) throw new Error(failed[0], { cause: error });
    }
    if (ENTERED) enter(row, 1, failed, began);
    failures.push(...failed);
  }
  expect(failures).toEqual([]);
}

/** As `trials`, of something that takes microseconds and does not wait: `check` says what is wrong, or null. */
export function inputs(
  row: string,
  few: number,
  check: (random: () => number) => string | null,
): void {
  const failures: string[] = [];
  let left = ASKED_INPUTS === undefined ? few : Number(ASKED_INPUTS);
  const seeds = seedsOf();
  while (left > 0) {
    const [batch, seed, began] = [Math.min(left, BATCH), seeds(), Date.now()];
    const random = seededRandom(seed);
    const failed: string[] = [];
    for (let index = 0; index < batch; index++) {
      const wrong = check(random);
      if (wrong !== null) failed.push(`seed ${seed}, input ${index}: ${wrong}`);
    }
    if (ENTERED) enter(row, batch, failed, began);
    failures.push(...failed.slice(0, KEPT));
    left -= batch;
  }
  expect(failures).toEqual([]);
}

/** One of them, each as likely as the others. */
export function pick<Item>(random: () => number, items: readonly Item[]): Item {
  const index = Math.floor(random() * items.length);
  if (!(index in items)) throw new RangeError("nothing to pick from");
  return items[index] as Item;
}

/**
 * Whether no more than `limitMs` have passed since `began`. Only a torture holds it against a command: tests run on
 * machines that are busy with others.
 */
export function inTime(began: number, limitMs: number): boolean {
  return !ENTERED || Date.now() - began <= limitMs;
}

function seedsOf(): () => number {
  const random = seededRandom(FIRST_SEED);
  let next = FIRST_SEED;
  return () => {
    const seed = next;
    next = Math.floor(random() * 2 ** 31);
    return seed;
  };
}

function enter(name: string, trials: number, failed: readonly string[], began: number): void {
  const rows = readRows();
  const row = rows[name] ?? {
    ...{ trials: 0, failures: 0, first: [], seconds: 0, kernels: [], last: "" },
  };
  row.trials += trials;
  row.failures += failed.length;
  const firstLines = failed.map((text) => (text.split("\n")[0] ?? "").slice(0, LONGEST));
  row.first = [...row.first, ...firstLines].slice(0, KEPT);
  row.seconds = Math.round(10 * (row.seconds + (Date.now() - began) / 1000)) / 10;
  row.kernels = [...new Set([...row.kernels, release()])];
  row.last = new Date().toISOString().slice(0, 10);
  mkdirSync(dirname(ROWS), { recursive: true });
  const fresh = `${ROWS}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify({ ...rows, [name]: row }, null, 2)}\n`);
  renameSync(fresh, ROWS);
}
