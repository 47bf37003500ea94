import { type Btf, BtfError, KIND } from "./btf.ts";

export interface BtfMember {
  /** Bytes from the beginning of the struct. */
  offset: number;
  /** As C writes it: integers by their size, pointers to anything but a struct or a byte as `void *`. */
  type: string;
  bytes: number;
}

/**
 * Where a struct has a member and what it is; a path such as `ns.inum` leads through members that are
 * structs, and those without a name are looked through. Null where there is none, or only a bit field that
 * is no whole integer. Throws a BtfError for BTF that leads nowhere.
 */
export function findMember(btf: Btf, struct: number, path: string): BtfMember | null {
  const [name, ...rest] = path.split(".");
  const found = name === undefined ? null : direct(btf, struct, name);
  if (found === null) return null;
  const { kind } = plain(btf, found.id);
  if (rest.length > 0) {
    if (kind !== KIND.struct && kind !== KIND.union) return null;
    const inner = findMember(btf, found.id, rest.join("."));
    return inner && { ...inner, offset: inner.offset + found.offset };
  }
  const value = found.bits > 0 ? wholeBits(found.bits) : valueAt(btf, found.id);
  return value && { ...value, offset: found.offset };
}

interface Place {
  id: number;
  offset: number;
  /** Of a bit field, else 0. */
  bits: number;
}

/** Longer chains of references are loops: C has no such types. */
const DEEPEST = 32;

function direct(btf: Btf, struct: number, wanted: string, depth = 0): Place | null {
  if (depth > DEEPEST) throw new BtfError("BTF has a struct that holds itself");
  const { kind, flag, length, word } = plain(btf, struct);
  if (kind !== KIND.struct && kind !== KIND.union) return null;
  for (let index = 0; index < length; index++) {
    const name = btf.text(word(3 * index));
    if (name !== wanted && name !== "") continue;
    const id = word(3 * index + 1);
    const where = word(3 * index + 2);
    const bits = flag ? where >>> 24 : 0;
    const firstBit = flag ? where & 0xffffff : where;
    // Only what begins with a byte can be read as an integer.
    if (name === wanted) return firstBit % 8 === 0 ? { id, offset: firstBit / 8, bits } : null;
    const inner = direct(btf, id, wanted, depth + 1);
    if (inner !== null) return { ...inner, offset: inner.offset + firstBit / 8 };
  }
  return null;
}

const UNSIGNED: Readonly<Record<number, string>> = {
  1: "unsigned char",
  2: "unsigned short",
  4: "unsigned int",
  8: "unsigned long",
};
const SIGNED: Readonly<Record<number, string>> = {
  1: "signed char",
  2: "short",
  4: "int",
  8: "long",
};

function wholeBits(bits: number): Omit<BtfMember, "offset"> | null {
  const type = UNSIGNED[bits / 8];
  return type === undefined ? null : { type, bytes: bits / 8 };
}

/** BTF_INT_SIGNED */
const IS_SIGNED = 1 << 24;

function valueAt(btf: Btf, id: number): Omit<BtfMember, "offset"> | null {
  const { kind, sizeOrType, word } = plain(btf, id);
  if (kind === KIND.int) {
    const type = ((word(0) & IS_SIGNED) !== 0 ? SIGNED : UNSIGNED)[sizeOrType];
    return type === undefined ? null : { type, bytes: sizeOrType };
  }
  if (kind !== KIND.ptr) return null;
  const target = plain(btf, sizeOrType);
  if (target.kind === KIND.struct && target.name !== "") {
    return { type: `struct ${target.name} *`, bytes: 8 };
  }
  const isByte = target.kind === KIND.int && target.sizeOrType === 1;
  return { type: isByte ? "unsigned char *" : "void *", bytes: 8 };
}

const NAMES: ReadonlySet<number> = new Set([
  KIND.typedef,
  KIND.volatile,
  KIND.const,
  KIND.restrict,
  KIND.typeTag,
]);

/** The type behind typedefs and qualifiers. */
function plain(btf: Btf, id: number) {
  let type = btf.type(id);
  for (let depth = 0; NAMES.has(type.kind); depth++) {
    if (depth > DEEPEST) throw new BtfError(`BTF has a type that refers to itself: ${id}`);
    type = btf.type(type.sizeOrType);
  }
  return type;
}
