import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { seededRandom } from "../../src/stats/random.ts";

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

/** Trials of each row, where the torture was called for: then each is entered into the table. */
const ASKED = process.env.BRIDGESCOPE_TRIALS;
const KEPT = 10;

function readRows(): Rows {
  try {
    return JSON.parse(readFileSync(ROWS, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

/**
 * Makes `few` trials of what a row of docs/reliability.md is about, or as many as were asked for. None may fail; in a
 * torture the others are made all the same, and each is entered before the next begins, so that it can be cut off.
 * `random` is the trial's own, from 0 to 1; its seed is in what a failure says.
 */
export async function trials(
  row: string,
  few: number,
  trial: (random: () => number, index: number) => Promise<void> | void,
): Promise<void> {
  const failures: string[] = [];
  const count = ASKED === undefined ? few : Number(ASKED);
  for (let index = 0; index < count; index++) {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const began = Date.now();
    try {
      await trial(seededRandom(seed), index);
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      failures.push(`seed ${seed}: ${said}`);
      if (ASKED === undefined) throw error;
      process.stdout.write(`${row}: seed ${seed}: ${said}\n`);
    }
    const failed = failures.length > 0 && failures.at(-1)?.startsWith(`seed ${seed}:`);
    if (ASKED !== undefined) enter(row, failed ? failures.at(-1) : undefined, began);
  }
  expect(failures).toEqual([]);
}

function enter(name: string, failure: string | undefined, began: number): void {
  const rows = readRows();
  const row = rows[name] ?? {
    ...{ trials: 0, failures: 0, first: [], seconds: 0, kernels: [], last: "" },
  };
  row.trials++;
  if (failure !== undefined) {
    row.failures++;
    if (row.first.length < KEPT) row.first.push(failure.split("\n")[0] ?? "");
  }
  row.seconds = Math.round(10 * (row.seconds + (Date.now() - began) / 1000)) / 10;
  row.kernels = [...new Set([...row.kernels, release()])];
  row.last = new Date().toISOString().slice(0, 10);
  mkdirSync(dirname(ROWS), { recursive: true });
  const fresh = `${ROWS}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify({ ...rows, [name]: row }, null, 2)}\n`);
  renameSync(fresh, ROWS);
}
