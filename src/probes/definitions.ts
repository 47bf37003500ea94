import { readFileSync } from "node:fs";
import { type Btf, BtfError, KIND, parseBtf } from "./btf.ts";

/**
 * The C definitions that a program needs, with nothing in them that it does not read.
 *
 * A program that defines no struct gets all that it names from the kernel's BTF, and `struct net_device`
 * leads to half of the kernel: bpftrace then has clang compile some 10,000 lines of types, most of the time
 * that attaching takes. With these few lines at its head the same text attaches in a third of that. By
 * hand the programs run without them.
 */

/** Members that the programs read, by struct; the tests hold them against the programs. */
export const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  sk_buff: [
    ...["dev", "sk", "len", "vlan_tci", "skb_iif", "transport_header", "mac_header"],
    ...["end", "head", "data"],
  ],
  net_device: ["priv_flags", "mtu", "ifindex", "dev_addr", "nd_net.net", "rx_handler_data"],
  net: ["ns.inum"],
  skb_shared_info: ["gso_size", "gso_segs"],
};

/** From 0.24 on bpftrace reads the kernel's types itself, without clang where it can. */
const READS_TYPES_ITSELF = [0, 24] as const;

/**
 * Definitions for the program, each on a line of its own; empty where it needs none, or where the kernel's
 * types are not what is expected here: bpftrace then finds them by itself. `root` is where tracefs is.
 */
export function definitionsFor(
  text: string,
  [major, minor]: readonly [major: number, minor: number],
  root: string,
): string {
  const [fromMajor, fromMinor] = READS_TYPES_ITSELF;
  if (major > fromMajor || (major === fromMajor && minor >= fromMinor)) return "";
  if (!Object.keys(MEMBERS).some((name) => text.includes(`(struct ${name} *)`))) return "";
  const structs = kernelStructs();
  const fields = tracepointsOf(text).map((event) => formatOf(event, root));
  if (structs === null || fields.includes(null)) return "";
  return `${[...typesOfFields(fields.join("\n")), ...structs].join("\n")}\n`;
}

let known: string[] | null | undefined;

function kernelStructs(): string[] | null {
  if (known === undefined) {
    const bytes = read("/sys/kernel/btf/vmlinux");
    known = bytes === null ? null : structDefinitions(parseBtf(bytes, Object.keys(MEMBERS)));
  }
  return known;
}

/** `struct sk_buff { char pad0[16]; struct net_device *dev; … };`, or null where a member is not found. */
export function structDefinitions(btf: Btf): string[] | null {
  const lines: string[] = [];
  // A struct that is held by value has to be defined before its holder.
  for (const [name, paths] of Object.entries(MEMBERS).reverse()) {
    const struct = btf.struct(name);
    if (struct === null) return null;
    const members: Placed[] = [];
    for (const path of paths) {
      const member = findMember(btf, struct, path);
      if (member === null) return null;
      const [outer = path, inner] = path.split(".");
      if (inner === undefined) {
        members.push({ ...member, declaration: `${member.type} ${outer}` });
        continue;
      }
      // At the place of the inner member: what else the struct between holds is not read.
      lines.push(`struct ${name}_${outer} { ${member.type} ${inner}; };`);
      members.push({ ...member, declaration: `struct ${name}_${outer} ${outer}` });
    }
    lines.push(`struct ${name} { ${laidOut(members, btf.type(struct).sizeOrType)} };`);
  }
  return lines;
}

interface Placed extends BtfMember {
  declaration: string;
}

/** As large as it is: the programs ask for the size of a struct. */
function laidOut(members: readonly Placed[], size: number): string {
  let at = 0;
  const padding = (gap: number) => (gap > 0 ? `char pad${at}[${gap}]; ` : "");
  const laid = members
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ offset, bytes, declaration }) => {
      const line = `${padding(offset - at)}${declaration};`;
      at = offset + bytes;
      return line;
    })
    .join(" ");
  return `${laid} ${padding(size - at)}`.trimEnd();
}

function tracepointsOf(text: string): string[] {
  return [...text.matchAll(/^tracepoint:(\w+):(\w+)$/gm)].map(
    ([, group, name]) => `${group}/${name}`,
  );
}

function formatOf(event: string, root: string): string | null {
  return read(`${root}/sys/kernel/tracing/events/${event}/format`)?.toString() ?? null;
}

const INTEGERS = /^(?:(?:const|unsigned|signed|char|short|int|long|void)\b ?)+$/;
const SIZES: Readonly<Record<string, string>> = { 1: "char", 2: "short", 4: "int", 8: "long" };

/** bpftrace makes a struct of each tracepoint's fields, with the kernel's names for their types. */
export function typesOfFields(format: string): string[] {
  // bpftrace's own names for what a system call's tracepoint holds in 8 bytes.
  const lines = new Set(["#define s64 signed long", "#define u64 unsigned long"]);
  for (const [, field = "", size = "", signed] of format.matchAll(
    /^\s*field:([^;]+);\s*offset:\d+;\s*size:(\d+);\s*signed:([01]);/gm,
  )) {
    const type = /^(.*?)[ *]*\w+(?:\[\w*\])?$/.exec(field)?.[1]?.trim() ?? "";
    const [, kind, tag] = /^(?:const )?(enum|struct|union) (\w+)$/.exec(type) ?? [];
    if (kind === "enum") lines.add(`enum ${tag} { ${tag}_none };`);
    else if (/^\w+$/.test(type) && !INTEGERS.test(type)) {
      const integer = SIZES[size] ?? "char";
      lines.add(`#define ${type} ${signed === "1" ? "signed" : "unsigned"} ${integer}`);
    }
  }
  return [...lines];
}

function read(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch {
    return null;
  }
}

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
