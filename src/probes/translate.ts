import type { FunctionBackend, FunctionTable, KernelFunction } from "./functions.ts";

export interface TranslateOptions {
  backend: FunctionBackend;
  bpftraceVersion: readonly [major: number, minor: number];
  functions: FunctionTable;
  /** Functions whose sections are left out whatever the table says. */
  without?: readonly string[];
}

export interface Translation {
  text: string;
  /** What was left out of the program, and why. */
  dropped: { function: string; reason: string }[];
}

/**
 * Turns a program in the fentry dialect of current bpftrace into that of a backend and a version.
 *
 * A section is `fentry:NAME` or `fexit:NAME` alone on a line at column 0 down to a `}` at column 0;
 * everything else stays as it is. A section whose function cannot be attached, or whose arguments
 * cannot be found, becomes a comment. Lines keep their numbers, so bpftrace's errors name the source's.
 */
export function translate(source: string, options: TranslateOptions): Translation {
  const original = source.split("\n");
  const lines = [...original];
  const code = withoutComments(source).split("\n");
  const dropped: Translation["dropped"] = [];
  for (let first = 0; first < lines.length; first++) {
    const [, event, name] = HEADER.exec(code[first] ?? "") ?? [];
    if ((event !== "fentry" && event !== "fexit") || name === undefined) continue;
    const last = code.findIndex((line, index) => index > first && /^\}\s*$/.test(line));
    const next = code.findIndex((line, index) => index > first && HEADER.test(line));
    if (last < 0 || (next >= 0 && next < last)) {
      throw new Error(`line ${first + 1}: ${event}:${name} has no closing brace at column 0`);
    }
    const reason = translateSection({ lines, code, first, last, event, name }, options);
    if (reason !== null) {
      dropped.push({ function: name, reason });
      for (let at = first; at <= last; at++) lines[at] = `// ${original[at]}`;
      lines[first] = `// left out, ${reason}: ${original[first]}`;
    }
    first = last;
  }
  return { text: lines.join("\n"), dropped };
}

const HEADER = /^(fentry|fexit):(\w+)\s*$/;

interface Section {
  /** The program, translated in place. */
  lines: string[];
  /** The same without its comments and texts, column by column. */
  code: readonly string[];
  first: number;
  last: number;
  event: "fentry" | "fexit";
  name: string;
}

/** Translates the section's lines; a reason to drop it, or null. */
function translateSection(section: Section, options: TranslateOptions): string | null {
  const { lines, code, first, last, event, name } = section;
  const { backend, functions, without = [] } = options;
  const known = functions.get(name);
  if (without.includes(name)) return "left out on request";
  if (known === undefined) return "not in the function table";
  const refusal = known[backend];
  if (refusal !== null) return refusal;
  lines[first] =
    attachPoint(event, known, options) + (lines[first] ?? "").slice(`${event}:${name}`.length);
  for (let at = first + 1; at <= last; at++) {
    let line = lines[at] ?? "";
    // From the right, so that the columns of what is still to come stay right.
    for (const use of [...(code[at] ?? "").matchAll(ARGUMENT)].reverse()) {
      const argument = argumentText(use[1] ?? "", event, known, backend);
      if ("reason" in argument) return argument.reason;
      line = line.slice(0, use.index) + argument.text + line.slice(use.index + use[0].length);
    }
    lines[at] = line;
  }
  return null;
}

const ARGUMENT = /(?<![\w$@])args\s*(?:->|\.)\s*(\w+)/g;

/**
 * bpftrace before 0.20 knows fentry only as kfunc (its pull request 2844); all from 0.17 on take the
 * module, and need it for a name that more than one has. kprobe takes a module only since 0.20, and the
 * name alone does.
 */
function attachPoint(
  event: Section["event"],
  { name, module }: KernelFunction,
  { backend, bpftraceVersion: [major, minor] }: TranslateOptions,
): string {
  if (backend === "kprobe") return `${event === "fentry" ? "kprobe" : "kretprobe"}:${name}`;
  const old = major === 0 && minor < 20;
  const word = old ? (event === "fentry" ? "kfunc" : "kretfunc") : event;
  return module === null ? `${word}:${name}` : `${word}:${module}:${name}`;
}

function argumentText(
  argument: string,
  event: Section["event"],
  { parameters }: KernelFunction,
  backend: FunctionBackend,
): { text: string } | { reason: string } {
  if (parameters === null) return { reason: "nothing tells its arguments" };
  const parameter = parameters.find(({ name }) => name === argument);
  if (parameter === undefined) return { reason: `it has no argument ${argument} on this kernel` };
  if (backend === "fentry") return { text: `args->${argument}` };
  if (event === "fexit") return { reason: "a kretprobe has no arguments" };
  const { register, type } = parameter;
  if (register === null) return { reason: `its argument ${argument} is not in a register` };
  const cast = castFor(type);
  return cast === null
    ? { reason: `its argument ${argument} is a ${type}, which a kprobe cannot take` }
    : { text: `((${cast})arg${register})` };
}

/** C's names of integers, and bpftrace's, which every version since 0.17 takes in a cast. */
const INTEGERS: Readonly<Record<string, string>> = {
  bool: "uint8",
  _Bool: "uint8",
  char: "int8",
  "signed char": "int8",
  "unsigned char": "uint8",
  u8: "uint8",
  __u8: "uint8",
  uint8_t: "uint8",
  s8: "int8",
  short: "int16",
  "short int": "int16",
  "unsigned short": "uint16",
  "short unsigned int": "uint16",
  u16: "uint16",
  __u16: "uint16",
  __be16: "uint16",
  uint16_t: "uint16",
  int: "int32",
  s32: "int32",
  unsigned: "uint32",
  "unsigned int": "uint32",
  u32: "uint32",
  __u32: "uint32",
  __be32: "uint32",
  uint32_t: "uint32",
  gfp_t: "uint32",
  long: "int64",
  "long int": "int64",
  "long long int": "int64",
  s64: "int64",
  ssize_t: "int64",
  "unsigned long": "uint64",
  "long unsigned int": "uint64",
  "long long unsigned int": "uint64",
  u64: "uint64",
  __u64: "uint64",
  size_t: "uint64",
};

/** The type to cast a register to; null where a register holds no such value. */
function castFor(type: string): string | null {
  const plain = type.replace(/\b(const|volatile|restrict)\b ?/g, "").trim();
  const [, target, stars] = /^(.*?) ?(\*+)$/.exec(plain) ?? [];
  if (target !== undefined && stars !== undefined) {
    if (/^(struct|union) \w+$/.test(target)) return `${target} ${stars}`;
    const integer = INTEGERS[target];
    // A pointer to what bpftrace has no name for is still an address.
    return integer === undefined ? "uint64" : `${integer} ${stars}`;
  }
  if (plain.startsWith("enum ")) return "int32";
  return INTEGERS[plain] ?? null;
}

/** The text with comments and string literals blanked: every character keeps its line and column. */
function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?(?:\*\/|$)|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"/g, (match) =>
    match.replace(/[^\n]/g, " "),
  );
}
