/**
 * Reads the parameters of kernel functions from BTF, the kernel's own type information.
 *
 * Own code, because no kept library on npm reads BTF, and bpftool prints all of it: seconds where the
 * processor is emulated. Here one pass over the type section notes where each type begins and which
 * FUNC has a wanted name; types are followed only for those.
 *
 * Format: include/uapi/linux/btf.h and Documentation/bpf/btf.rst.
 */

/** BTF that is cut off, of another byte order or later than this reader. */
export class BtfError extends Error {}

export interface BtfParameter {
  name: string;
  /** As C writes it: `struct sk_buff *`, `enum br_pkt_type`, `bool`. */
  type: string;
  /** Size of the value in units of a register, which hold 8 bytes; 0 for an empty struct. */
  words: number;
  /** A struct or a union by value: what lies in its register is no number and no pointer. */
  aggregate: boolean;
}

export interface BtfFunction {
  /** Of the function itself, as bpf(BPF_PROG_LOAD) takes it. */
  id: number;
  parameters: BtfParameter[];
}

export interface Btf {
  /** The function, or null where this BTF (its base not asked) has none of that name. */
  func(name: string): BtfFunction | null;
  /** The id of the struct, or null likewise. */
  struct(name: string): number | null;
  /** Ids used by this BTF and its base, `void` included: the first id of a BTF split off from it. */
  readonly types: number;
  /** Bytes of strings in this BTF and its base. */
  readonly strings: number;
  /** What a split BTF asks of its base. */
  readonly type: (id: number) => BtfType;
  readonly text: (offset: number) => string;
}

/** One record of the type section. */
export interface BtfType {
  kind: number;
  /** By kind; a FWD with it stands for a union. */
  flag: boolean;
  /** Number of members, values or parameters. */
  length: number;
  name: string;
  /** The size of the type or the id of the type that it refers to, by kind. */
  sizeOrType: number;
  /** What follows the record's first 12 bytes, in 32-bit words. */
  word(index: number): number;
}

export const KIND = {
  void: 0,
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

/** Bytes that follow a record's first 12, by kind: some once, some for each member. */
const ONCE = [0, 4, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 4, 0, 0];
const EACH = [0, 0, 0, 0, 12, 12, 8, 0, 0, 0, 0, 0, 0, 8, 0, 12, 0, 0, 0, 12];

const MAGIC = 0xeb9f;
const SWAPPED_MAGIC = 0x9feb;
const SMALLEST_HEADER = 24;
const RECORD = 12;
/** Longer chains of references are loops: C has no such types. */
const DEEPEST = 32;

/**
 * Reads BTF as `/sys/kernel/btf/<name>` holds it; a module's needs the kernel's as `base`, and begins
 * with its ids and offsets where the base ends. Only functions and structs named in `wanted` can be asked for.
 * Throws a BtfError for a file that is not whole.
 */
export function parseBtf(bytes: Uint8Array, wanted: Iterable<string>, base?: Btf): Btf {
  const { types, strings } = sections(bytes);
  const firstId = base?.types ?? 1;
  const firstString = base?.strings ?? 0;

  const text = (offset: number): string => {
    if (offset < firstString && base !== undefined) return base.text(offset);
    const start = offset - firstString;
    const end = strings.indexOf(0, start);
    if (start >= strings.length || end < 0) {
      throw new BtfError(`BTF names a string at ${offset}, beyond its strings`);
    }
    return strings.toString("utf8", start, end);
  };

  const names = new Set(wanted);
  const match = matcher(names, strings);
  const { offsets, functions, structs } = scan(types, (offset) => {
    if (offset >= firstString || base === undefined) return match(offset - firstString);
    const name = base.text(offset);
    return names.has(name) ? name : null;
  });

  const type = (id: number): BtfType => {
    if (id < firstId && base !== undefined) return base.type(id);
    if (id === 0)
      return {
        kind: KIND.void,
        flag: false,
        length: 0,
        name: "void",
        sizeOrType: 0,
        word: () => 0,
      };
    const at = offsets[id - firstId];
    if (at === undefined) throw new BtfError(`BTF refers to type ${id}, which it does not have`);
    const info = types.readUInt32LE(at + 4);
    return {
      kind: kindOf(info),
      flag: info >>> 31 === 1,
      length: info & 0xffff,
      name: text(types.readUInt32LE(at)),
      sizeOrType: types.readUInt32LE(at + 8),
      word: (index) => types.readUInt32LE(at + RECORD + 4 * index),
    };
  };

  return {
    types: firstId + offsets.length,
    strings: firstString + strings.length,
    type,
    text,
    func: (name) => {
      const at = functions.get(name);
      if (at === undefined) return null;
      const prototype = type(types.readUInt32LE(at + 8));
      if (prototype.kind !== KIND.funcProto) {
        throw new BtfError(`BTF gives the function ${name} a type that is no prototype`);
      }
      const id = firstId + offsets.indexOf(at);
      return { id, parameters: parameters(prototype, type, text) };
    },
    struct: (name) => {
      const at = structs.get(name);
      return at === undefined ? null : firstId + offsets.indexOf(at);
    },
  };
}

/** The type and the string section; what the header says of them is checked against the file. */
function sections(bytes: Uint8Array): { types: Buffer; strings: Buffer } {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < SMALLEST_HEADER) {
    throw new BtfError(`BTF of ${file.length} bytes has no whole header`);
  }
  const magic = file.readUInt16LE(0);
  if (magic === SWAPPED_MAGIC) throw new BtfError("BTF is big-endian; little-endian was expected");
  if (magic !== MAGIC) throw new BtfError("not BTF: the magic number is missing");
  const version = file.readUInt8(2);
  if (version !== 1) throw new BtfError(`BTF has version ${version}; 1 was expected`);
  const header = file.readUInt32LE(4);
  const section = (field: number, what: string) => {
    const start = header + file.readUInt32LE(field);
    const end = start + file.readUInt32LE(field + 4);
    if (header < SMALLEST_HEADER || end > file.length) {
      throw new BtfError(`BTF is cut off: its ${what} end at ${end} of ${file.length} bytes`);
    }
    return file.subarray(start, end);
  };
  return { types: section(8, "types"), strings: section(16, "strings") };
}

/**
 * Tells which of the names stands at an offset. A kernel has some 60,000 functions, so a name's first
 * two bytes are looked up before the rest is compared.
 */
function matcher(names: Iterable<string>, strings: Buffer): (start: number) => string | null {
  const begins = new Uint8Array(1 << 16);
  const candidates = [...names].map((name) => ({ name, bytes: Buffer.from(`${name}\0`) }));
  for (const { bytes } of candidates) begins[firstTwo(bytes, 0)] = 1;
  const stands = (bytes: Buffer, start: number) => {
    for (let index = 0; index < bytes.length; index++) {
      if (strings[start + index] !== bytes[index]) return false;
    }
    return true;
  };
  return (start) => {
    if (begins[firstTwo(strings, start)] === 0) return null;
    for (const { name, bytes } of candidates) if (stands(bytes, start)) return name;
    return null;
  };
}

const firstTwo = (bytes: Buffer, start: number): number =>
  (bytes[start] ?? 0) | ((bytes[start + 1] ?? 0) << 8);

/** Where every type begins, and where the FUNCs and STRUCTs that `wantedName` knows. */
function scan(
  types: Buffer,
  wantedName: (offset: number) => string | null,
): { offsets: Uint32Array; functions: Map<string, number>; structs: Map<string, number> } {
  const view = new DataView(types.buffer, types.byteOffset, types.length);
  const offsets = new Uint32Array(Math.floor(types.length / RECORD));
  const functions = new Map<string, number>();
  const structs = new Map<string, number>();
  let count = 0;
  for (let at = 0; at < types.length; ) {
    if (at + RECORD > types.length) throw new BtfError("BTF is cut off within a type");
    const info = view.getUint32(at + 4, true);
    const kind = kindOf(info);
    const once = ONCE[kind];
    const each = EACH[kind];
    if (kind === KIND.void || once === undefined || each === undefined) {
      throw new BtfError(`BTF has a type of kind ${kind}, which this reader does not know`);
    }
    const found = kind === KIND.func ? functions : kind === KIND.struct ? structs : null;
    if (found !== null) {
      const name = wantedName(view.getUint32(at, true));
      // A name can stand for several static functions; the first one is as good as any.
      if (name !== null && !found.has(name)) found.set(name, at);
    }
    offsets[count++] = at;
    at += RECORD + once + each * (info & 0xffff);
    if (at > types.length) throw new BtfError("BTF is cut off within a type");
  }
  return { offsets: offsets.subarray(0, count), functions, structs };
}

const kindOf = (info: number): number => (info >>> 24) & 0x1f;

function parameters(
  prototype: BtfType,
  type: (id: number) => BtfType,
  text: (offset: number) => string,
): BtfParameter[] {
  const found: BtfParameter[] = [];
  for (let index = 0; index < prototype.length; index++) {
    const name = prototype.word(2 * index);
    const id = prototype.word(2 * index + 1);
    if (name === 0 && id === 0) break; // `...`
    const { bytes, aggregate } = layout(id, type);
    const words = Math.ceil(bytes / 8);
    found.push({ name: text(name), type: cType(id, type), words, aggregate });
  }
  return found;
}

/** What a value of the type takes, whatever names and qualifiers it carries. */
function layout(
  id: number,
  type: (id: number) => BtfType,
  depth = 0,
): { bytes: number; aggregate: boolean } {
  const { kind, sizeOrType, word } = type(following(depth, id));
  switch (kind) {
    case KIND.ptr:
      return { bytes: 8, aggregate: false };
    case KIND.int:
    case KIND.enum:
    case KIND.enum64:
    case KIND.float:
      return { bytes: sizeOrType, aggregate: false };
    case KIND.struct:
    case KIND.union:
      return { bytes: sizeOrType, aggregate: true };
    case KIND.array:
      return { bytes: layout(word(0), type, depth + 1).bytes * word(2), aggregate: true };
    case KIND.typedef:
    case KIND.volatile:
    case KIND.const:
    case KIND.restrict:
    case KIND.typeTag:
      return layout(sizeOrType, type, depth + 1);
    default:
      throw new BtfError(`BTF has a parameter of kind ${kind}, which has no size`);
  }
}

const QUALIFIERS: Readonly<Record<number, string>> = {
  [KIND.volatile]: "volatile",
  [KIND.const]: "const",
  [KIND.restrict]: "restrict",
};

function cType(id: number, type: (id: number) => BtfType, depth = 0): string {
  const { kind, flag, name, sizeOrType, word } = type(following(depth, id));
  const inner = (of: number) => cType(of, type, depth + 1);
  switch (kind) {
    case KIND.ptr: {
      const to = inner(sizeOrType);
      return to.endsWith("*") ? `${to}*` : `${to} *`;
    }
    case KIND.struct:
      return `struct ${name || "(anonymous)"}`;
    case KIND.union:
      return `union ${name || "(anonymous)"}`;
    case KIND.fwd:
      return `${flag ? "union" : "struct"} ${name}`;
    case KIND.enum:
    case KIND.enum64:
      return `enum ${name || "(anonymous)"}`;
    case KIND.volatile:
    case KIND.const:
    case KIND.restrict: {
      const qualified = inner(sizeOrType);
      const qualifier = QUALIFIERS[kind] ?? "";
      return qualified.endsWith("*") ? `${qualified}${qualifier}` : `${qualifier} ${qualified}`;
    }
    case KIND.typeTag:
      return inner(sizeOrType);
    case KIND.array:
      return `${inner(word(0))} [${word(2)}]`;
    case KIND.funcProto:
      return `${inner(sizeOrType)} ()`;
    default:
      return name;
  }
}

function following(depth: number, id: number): number {
  if (depth > DEEPEST) throw new BtfError(`BTF has a type that refers to itself: ${id}`);
  return id;
}
