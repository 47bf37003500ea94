import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** Kinds of BTF types, by include/uapi/linux/btf.h. */
export const KIND = {
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  funcProto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  declTag: 17,
  typeTag: 18,
  enum64: 19,
} as const;

interface Type {
  name?: string;
  /** Members, values or parameters. */
  length?: number;
  flag?: boolean;
  /** The size or the type referred to. */
  of?: number;
  words?: readonly number[];
}

/** Writes BTF, as a compiler would. */
export class BtfBytes {
  readonly #types: Buffer[] = [];
  readonly #texts: Buffer[] = [];
  readonly #first: { types: number; strings: number };
  #length = 0;

  /** `base`: where a BTF that this one is split off from ends. */
  constructor(base?: { types: number; strings: number }) {
    this.#first = base ?? { types: 1, strings: 0 };
    if (base === undefined) this.text("");
  }

  text(text: string): number {
    const at = this.#first.strings + this.#length;
    this.#texts.push(Buffer.from(`${text}\0`));
    this.#length += text.length + 1;
    return at;
  }

  type(kind: number, { name, length = 0, flag = false, of = 0, words = [] }: Type): number {
    const nameAt = name === undefined ? 0 : this.text(name);
    const bytes = Buffer.alloc(12 + 4 * words.length);
    bytes.writeUInt32LE(nameAt, 0);
    bytes.writeUInt32LE(((flag ? 0x80000000 : 0) | (kind << 24) | length) >>> 0, 4);
    bytes.writeUInt32LE(of, 8);
    for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, 12 + 4 * index);
    this.#types.push(bytes);
    return this.#first.types + this.#types.length - 1;
  }

  /** A function with its prototype; parameters as pairs of name and type. */
  func(name: string, parameters: readonly (readonly [string, number])[]): void {
    const words = parameters.flatMap(([parameter, type]) => [
      parameter === "..." ? 0 : this.text(parameter),
      type,
    ]);
    const prototype = this.type(KIND.funcProto, { length: parameters.length, words });
    this.type(KIND.func, { name, of: prototype });
  }

  bytes(): Buffer {
    return file(Buffer.concat(this.#types), Buffer.concat(this.#texts));
  }
}

function file(types: Buffer, strings: Buffer): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt16LE(0xeb9f, 0);
  header.writeUInt8(1, 2);
  header.writeUInt32LE(24, 4);
  header.writeUInt32LE(types.length, 12);
  header.writeUInt32LE(types.length, 16);
  header.writeUInt32LE(strings.length, 20);
  return Buffer.concat([header, types, strings]);
}

/** What a module's BTF asks of the kernel's: types and texts at the places where that kernel has them. */
interface RecordedBase {
  types: number;
  strings: number;
  type: Record<
    string,
    { kind: number; flag: boolean; name: string; sizeOrType: number; words: number[] }
  >;
  text: Record<string, string>;
}

interface RecordedKernel {
  release: string;
  version: string;
  kallsyms: string[];
  filter: string[];
  base?: RecordedBase;
}

const FIXTURES = new URL("fixtures/functions/", import.meta.url);

/**
 * What was read in a guest of that Debian suite: all lines that matter here, addresses as zeros. The base
 * BTF, 4 MB in truth, has the recorded types and texts in place and nothing else.
 */
export function recorded(suite: string): {
  kernel: RecordedKernel;
  btf: (module: string) => Buffer | null;
} {
  const kernel: RecordedKernel = JSON.parse(
    readFileSync(new URL(`${suite}.json`, FIXTURES), "utf8"),
  );
  const btf = (module: string) => {
    if (module === "vmlinux") return baseBytes(kernel.base ?? NO_BASE);
    try {
      return gunzipSync(readFileSync(new URL(`${suite}-${module}.btf.gz`, FIXTURES)));
    } catch {
      return null;
    }
  };
  return { kernel, btf };
}

const NO_BASE: RecordedBase = { types: 1, strings: 1, type: {}, text: {} };

function baseBytes({ types, strings, type, text }: RecordedBase): Buffer {
  const texts = Buffer.alloc(strings);
  for (const [at, value] of Object.entries(text)) texts.write(`${value}\0`, Number(at));
  // Names of types stand in the last bytes, which nothing else uses.
  let free = strings;
  const nameAt = (name: string) => {
    if (name === "") return 0;
    free -= name.length + 1;
    texts.write(`${name}\0`, free);
    return free;
  };
  const records: Buffer[] = [];
  for (let id = 1; id < types; id++) {
    const known = type[id];
    const record = Buffer.alloc(12 + 4 * (known?.words.length ?? 0));
    const { kind, flag, sizeOrType } = known ?? { kind: KIND.fwd, flag: false, sizeOrType: 0 };
    record.writeUInt32LE(nameAt(known?.name ?? ""), 0);
    record.writeUInt32LE(((flag ? 0x80000000 : 0) | (kind << 24)) >>> 0, 4);
    record.writeUInt32LE(sizeOrType, 8);
    for (const [index, word] of (known?.words ?? []).entries()) {
      record.writeUInt32LE(word, 12 + 4 * index);
    }
    records.push(record);
  }
  return file(Buffer.concat(records), texts);
}
