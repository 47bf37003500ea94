/** Maps of BPF programs, read and written from outside with bpf(2): no process is started for it. */
import { readFileSync } from "node:fs";
import { idAttributes, objectInfo } from "./bpf-objects.ts";
import { bpf, close, SystemCallError } from "./libc.ts";

/** Commands of enum bpf_cmd. */
const LOOKUP_ELEM = 1;
const UPDATE_ELEM = 2;
const DELETE_ELEM = 3;
const MAP_GET_FD_BY_ID = 14;
const LOOKUP_BATCH = 24;
/** Numbers of enum bpf_map_type. Per CPU: a value for each, in a multiple of eight bytes. */
const HASH = 1;
const ARRAY = 2;
const PERCPU_HASH = 5;
const PERCPU_ARRAY = 6;
/** BPF_ANY, and BPF_NOEXIST: what is there stays. */
const ANY = 0n;
const NOEXIST = 1n;

/** Most maps are small, and each batch of a reading takes its room anew. */
const BATCH = 512;
/** A bucket that holds more than a batch: the kernel asks for more room. */
const LARGEST_BATCH = 1 << 17;

export interface BpfMap {
  readonly fd: number;
  /** As the kernel keeps it: at most 15 bytes. */
  readonly name: string;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly capacity: number;
  /** A map of keys of any kind, per CPU or not; otherwise `array`, which has all its keys always, or what cannot be read here. */
  readonly hash: boolean;
  readonly array: boolean;
  /** Copies of each value, one a possible CPU; 1 where the map is not per CPU. */
  readonly copies: number;
}

/** Opens a map by its id; the descriptor keeps the map alive until `closeMap`. */
export function openMap(id: number): BpfMap {
  const fd = bpf("bpf(BPF_MAP_GET_FD_BY_ID)", MAP_GET_FD_BY_ID, idAttributes(id));
  let info: Buffer;
  try {
    info = objectInfo(fd, Buffer.alloc(88));
  } catch (error) {
    close(fd);
    throw error;
  }
  const type = info.readUInt32LE(0);
  return {
    fd,
    name: info.toString("latin1", 24, 40).replace(/\0.*$/s, ""),
    keyBytes: info.readUInt32LE(8),
    valueBytes: info.readUInt32LE(12),
    capacity: info.readUInt32LE(16),
    hash: type === HASH || type === PERCPU_HASH,
    array: type === ARRAY || type === PERCPU_ARRAY,
    copies: type === PERCPU_HASH || type === PERCPU_ARRAY ? possibleCpus() : 1,
  };
}

export function closeMap(map: BpfMap): void {
  close(map.fd);
}

/** Calls `each` for every entry; a per-CPU value's copies stand one behind the other. What comes or goes meanwhile may be missed. */
export function readMap(map: BpfMap, each: (key: Buffer, value: Buffer) => void): void {
  const stride = (map.copies === 1 ? map.valueBytes : align8(map.valueBytes)) * map.copies;
  if (map.array) {
    readArray(map, stride, each);
    return;
  }
  const position = Buffer.alloc(Math.max(4, map.keyBytes));
  let started = false;
  let batch = Math.min(BATCH, map.capacity);
  for (;;) {
    const keys = Buffer.alloc(batch * map.keyBytes);
    const values = Buffer.alloc(batch * stride);
    const next = Buffer.alloc(position.length);
    const attributes = batchAttributes(map, batch);
    const pointers: [number, Buffer][] = [
      [8, next],
      [16, keys],
      [24, values],
    ];
    if (started) pointers.push([0, position]);
    const ended = endOf(() => bpf("bpf(BPF_MAP_LOOKUP_BATCH)", LOOKUP_BATCH, attributes, pointers));
    if (ended === "ENOSPC" && batch < LARGEST_BATCH) {
      batch *= 4;
      continue;
    }
    const found = attributes.readUInt32LE(32);
    for (let at = 0; at < found; at++) {
      each(
        keys.subarray(at * map.keyBytes, (at + 1) * map.keyBytes),
        values.subarray(at * stride, (at + 1) * stride),
      );
    }
    if (ended !== null) return;
    next.copy(position);
    started = true;
  }
}

/** One by one: Linux before 5.13 has no batches of per-CPU arrays. */
function readArray(map: BpfMap, stride: number, each: (key: Buffer, value: Buffer) => void): void {
  const attributes = Buffer.alloc(32);
  attributes.writeUInt32LE(map.fd, 0);
  for (let at = 0; at < map.capacity; at++) {
    const [key, value] = [Buffer.alloc(map.keyBytes), Buffer.alloc(stride)];
    key.writeUInt32LE(at, 0);
    bpf("bpf(BPF_MAP_LOOKUP_ELEM)", LOOKUP_ELEM, attributes, [
      [8, key],
      [16, value],
    ]);
    each(key, value);
  }
}

/** A count() or sum(): the sum over all CPUs, exact up to 2^53. */
export function total(map: BpfMap, value: Buffer): number {
  const step = align8(map.valueBytes);
  let sum = 0;
  for (let copy = 0; copy < map.copies; copy++) sum += Number(value.readBigUInt64LE(copy * step));
  return sum;
}

/**
 * Adds entries; one whose key is there already is left as it is. For maps that are not per CPU. Returns for how
 * many there was no room.
 */
export function addToMap(map: BpfMap, entries: Entries): number {
  return update(map, entries, NOEXIST);
}

/** Adds entries, or changes those that are there. For maps that are not per CPU. Returns for how many there was no room. */
export function setInMap(map: BpfMap, entries: Entries): number {
  return update(map, entries, ANY);
}

/** Deletes entries; one that is not there is none. */
export function deleteFromMap(map: BpfMap, keys: readonly Buffer[]): void {
  const attributes = Buffer.alloc(32);
  attributes.writeUInt32LE(map.fd, 0);
  for (const key of keys) {
    endOf(() => bpf("bpf(BPF_MAP_DELETE_ELEM)", DELETE_ELEM, attributes, [[8, key]]));
  }
}

type Entries = readonly (readonly [key: Buffer, value: Buffer])[];

function update(map: BpfMap, entries: Entries, flags: bigint): number {
  const attributes = Buffer.alloc(32);
  attributes.writeUInt32LE(map.fd, 0);
  attributes.writeBigUInt64LE(flags, 24);
  let refused = 0;
  for (const [key, value] of entries) {
    const ended = endOf(() =>
      bpf("bpf(BPF_MAP_UPDATE_ELEM)", UPDATE_ELEM, attributes, [
        [8, key],
        [16, value],
      ]),
    );
    if (ended === "E2BIG") refused++;
    else if (ended !== null && ended !== "EEXIST") {
      throw new Error(`a BPF map took no entry: ${ended}`);
    }
  }
  return refused;
}

function batchAttributes(map: BpfMap, count: number): Buffer {
  const attributes = Buffer.alloc(56);
  attributes.writeUInt32LE(count, 32);
  attributes.writeUInt32LE(map.fd, 36);
  return attributes;
}

/** Null when all was done; otherwise the errno's name, which is no failure where it means an end. */
function endOf(call: () => void): string | null {
  try {
    call();
    return null;
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    if (!["ENOENT", "ENOSPC", "EEXIST", "E2BIG"].includes(error.code)) throw error;
    return error.code;
  }
}

function align8(bytes: number): number {
  return (bytes + 7) & ~7;
}

let cpus: number | null = null;

/** Entries of a per-CPU value: `0-3` or `0-1,4-5` in /sys/devices/system/cpu/possible. */
function possibleCpus(): number {
  cpus ??= readFileSync("/sys/devices/system/cpu/possible", "utf8")
    .trim()
    .split(",")
    .reduce((sum, part) => {
      const [from = 0, to = from] = part.split("-").map(Number);
      return sum + to - from + 1;
    }, 0);
  return cpus;
}
