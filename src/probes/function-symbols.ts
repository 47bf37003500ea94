/** Finds functions among the hundred thousand lines of the kernel's lists of its functions. */

export interface Symbol {
  /** The name itself, or what the compiler made of it: `br_x.constprop.0`. */
  compiledAs: string;
  /** null for the kernel image itself. */
  module: string | null;
}

export type Symbols = ReadonlyMap<string, Symbol>;

/** Names, and the module that each is looked for in besides the kernel image. */
type Wanted = Readonly<Record<string, string | null>>;

/** `ffffffffa3993710 t br_flood\t[bridge]` */
export function parseSymbols(kallsyms: Buffer, wanted: Wanted): Symbols {
  const symbols = new Map<string, Symbol>();
  // A text symbol, weak ones included. The cold part of a function is no function.
  for (const { name, suffix, module } of entries(kallsyms, "[tTwW] ", wanted)) {
    if (suffix.startsWith(".cold")) continue;
    if (suffix === "" || !symbols.has(name)) {
      symbols.set(name, { compiledAs: name + suffix, module });
    }
  }
  return symbols;
}

/** `br_flood [bridge]` */
export function parseFilterFunctions(list: Buffer, wanted: Wanted): ReadonlySet<string> {
  const plain = [...entries(list, "^", wanted)].filter(({ suffix }) => suffix === "");
  return new Set(plain.map(({ name }) => name));
}

interface Entry {
  name: string;
  suffix: string;
  module: string | null;
}

/**
 * The wanted functions in the kernel image or the module where each belongs, with any suffix of the
 * compiler. One expression over the whole text: 9 ms for /proc/kallsyms, a tenth of a walk by lines.
 */
function* entries(list: Buffer, before: string, wanted: Wanted): Generator<Entry> {
  const names = Object.keys(wanted).join("|");
  const line = new RegExp(`${before}(${names})(\\.\\S+)?(?:[ \\t]+\\[(.+)\\])?$`, "gm");
  for (const [, name = "", suffix = "", module] of list.toString("latin1").matchAll(line)) {
    if (module === undefined || module === wanted[name]) {
      yield { name, suffix, module: module ?? null };
    }
  }
}
