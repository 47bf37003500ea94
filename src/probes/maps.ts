/** The maps of a probe program that runs, by the names that it gives them. */
import {
  addToMap,
  type BpfMap,
  closeMap,
  deleteFromMap,
  openMap,
  readMap,
  setInMap,
  total,
} from "../system/bpf-map.ts";
import { ToolError } from "../system/errors.ts";
import { mapIds } from "./statistics.ts";

export interface ProbeMaps {
  /** Adds entries of 64-bit numbers; those that are there stay. Returns for how many there was no room. */
  add(name: string, entries: readonly (readonly [key: readonly bigint[], value: bigint])[]): number;
  /** Adds or changes entries of 64-bit numbers. Returns for how many there was no room. */
  set(name: string, entries: readonly (readonly [key: readonly bigint[], value: bigint])[]): number;
  /** Whether the program has a map of that name; the others throw a ToolError where it has none. */
  has(name: string): boolean;
  /** Counts by key, as 64-bit numbers; of a map without keys the key is empty. */
  counts(name: string): [key: bigint[], count: number][];
  /** Values that are numbers themselves. */
  tuples(name: string): [key: bigint[], value: bigint[]][];
  /** The same, which it does not hold any more then. */
  takeTuples(name: string): [key: bigint[], value: bigint[]][];
  /** Texts by key, which it does not hold any more then. */
  takeTexts(name: string): [key: bigint[], text: string][];
  /** Takes out all that it holds. */
  clear(name: string): void;
  /** The same of all maps with keys. */
  clearAll(): void;
  /** A sentence for each of these that can take no more. */
  full(names: readonly string[]): string[];
  close(): void;
}

/** What a program has counted, to be read. */
export type ProbeCounts = Pick<ProbeMaps, "has" | "counts" | "tuples" | "full">;

/** Opens the maps of the bpftrace process `pid`, which has some as long as it lives; it calls the kernel's map of `@x` either `AT_x` or `@x`'s sanitized form, by version. */
export function openProbeMaps(pid: number): ProbeMaps {
  const maps = openAll(mapIds(pid));
  if (maps.length === 0) throw new ToolError("bpftrace", "bpftrace has ended");
  const named = (name: string): BpfMap => {
    const found = maps.find((map) => map.name.endsWith(`_${name}`));
    if (found === undefined)
      throw new ToolError("bpftrace", `the probe program has no map @${name}`);
    return found;
  };
  const each = (name: string, visit: (key: bigint[], map: BpfMap, value: Buffer) => void) => {
    const map = named(name);
    readMap(map, (key, value) => visit(words(key), map, value));
  };
  const take = <T>(name: string, of: (value: Buffer) => T): [bigint[], T][] => {
    const found: [bigint[], T][] = [];
    const keys: Buffer[] = [];
    readMap(named(name), (key, value) => {
      keys.push(key);
      found.push([words(key), of(value)]);
    });
    deleteFromMap(named(name), keys);
    return found;
  };
  const write =
    (to: typeof addToMap): ProbeMaps["add"] =>
    (name, entries) =>
      to(
        named(name),
        entries.map(([key, value]) => [bytes(key), bytes([value])] as const),
      );
  return {
    add: write(addToMap),
    set: write(setInMap),
    has: (name) => maps.some((map) => map.name.endsWith(`_${name}`)),
    counts: (name) => {
      const found: [bigint[], number][] = [];
      each(name, (key, map, value) => found.push([key, total(map, value)]));
      return found;
    },
    tuples: (name) => {
      const found: [bigint[], bigint[]][] = [];
      each(name, (key, _, value) => found.push([key, words(value)]));
      return found;
    },
    takeTuples: (name) => take(name, words),
    takeTexts: (name) => take(name, (value) => value.toString("utf8").replace(/\0.*$/s, "")),
    clear: (name) => clear(named(name)),
    clearAll: () => maps.filter(({ hash }) => hash).forEach(clear),
    full: (names) =>
      names
        .filter((name) => {
          const map = named(name);
          let entries = 0;
          readMap(map, () => entries++);
          return entries >= map.capacity;
        })
        .map((name) => `the map @${name} is full: what came last is missing`),
    close: () => {
      for (const map of maps) closeMap(map);
    },
  };
}

/** All of them or none: the process may end meanwhile. */
function openAll(ids: readonly number[]): BpfMap[] {
  const maps: BpfMap[] = [];
  try {
    for (const id of ids) maps.push(openMap(id));
    return maps;
  } catch (error) {
    for (const map of maps) closeMap(map);
    throw error;
  }
}

function clear(map: BpfMap): void {
  const keys: Buffer[] = [];
  readMap(map, (key) => keys.push(key));
  deleteFromMap(map, keys);
}

function words(buffer: Buffer): bigint[] {
  return Array.from({ length: buffer.length >> 3 }, (_, at) => buffer.readBigUInt64LE(at * 8));
}

function bytes(values: readonly bigint[]): Buffer {
  const buffer = Buffer.alloc(values.length * 8);
  values.forEach((value, at) => {
    buffer.writeBigUInt64LE(value, at * 8);
  });
  return buffer;
}
