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
  /** Counts by key, as 64-bit numbers. */
  counts(name: string): [key: bigint[], count: number][];
  /** Values that are numbers themselves. */
  tuples(name: string): [key: bigint[], value: bigint[]][];
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

/** Opens the maps of the bpftrace process `pid`; it calls the kernel's map of `@x` either `AT_x` or `@x`'s sanitized form, by version. */
export function openProbeMaps(pid: number): ProbeMaps {
  const maps = mapIds(pid).map(openMap);
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
    takeTexts: (name) => {
      const found: [bigint[], string][] = [];
      const keys: Buffer[] = [];
      readMap(named(name), (key, value) => {
        keys.push(key);
        found.push([words(key), value.toString("utf8").replace(/\0.*$/s, "")]);
      });
      deleteFromMap(named(name), keys);
      return found;
    },
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

function clear(map: BpfMap): void {
  const keys: Buffer[] = [];
  readMap(map, (key) => keys.push(key));
  deleteFromMap(map, keys);
}

/** How many keys each map of the bpftrace process `pid` has room for, by the names under which it prints them. */
export function roomsOf(pid: number): Map<string, number> {
  const maps = mapIds(pid).map(openMap);
  try {
    return new Map(maps.map(({ name, capacity }) => [name.replace(/^[^_]*_/, "@"), capacity]));
  } finally {
    for (const map of maps) closeMap(map);
  }
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
