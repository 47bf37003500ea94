import { statSync } from "node:fs";
import path from "node:path";
import { UsageError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";

export const SUITES = ["bullseye", "bookworm", "trixie", "sid"] as const;
export type Suite = (typeof SUITES)[number];

/** Which kernel a person means; `text` is how they said it. */
export type KernelSpec =
  | { kind: "debian"; text: string; suite: Suite }
  | { kind: "image"; text: string; image: string; modules: string | null }
  | { kind: "tree"; text: string; tree: string; modules: string | null };

/** Where the kernel's build puts the image, below a source tree. */
export const TREE_IMAGE = "arch/x86/boot/bzImage";

const KNOWN = `${SUITES.map((suite) => `debian:${suite}`).join(", ")}, a bzImage, or a kernel source tree`;

/** Throws a UsageError that says what is known. Only looks whether files are there, not into them. */
export function parseKernelSpec(text: string, options: { modules?: string } = {}): KernelSpec {
  const modules = options.modules === undefined ? null : folder(options.modules);
  const distribution = /^([a-z]+):(.*)$/.exec(text);
  if (distribution !== null) {
    const suite = SUITES.find((known) => known === distribution[2]);
    if (distribution[1] !== "debian" || suite === undefined) throw unknown(text);
    if (modules !== null) {
      throw new UsageError(`${text} brings its own modules: leave --modules out`);
    }
    return { kind: "debian", text, suite };
  }
  if (text === "") throw unknown(text);
  const full = path.resolve(text);
  const stat = statSync(full, { throwIfNoEntry: false });
  if (stat === undefined) throw unknown(text);
  if (stat.isFile()) return { kind: "image", text, image: full, modules };
  if (!stat.isDirectory()) throw unknown(text);
  if (statSync(path.join(full, TREE_IMAGE), { throwIfNoEntry: false }) === undefined) {
    throw new UsageError(
      `${printable(text)} has no ${TREE_IMAGE}: build the kernel there first (make bzImage modules), or name an image file`,
    );
  }
  return { kind: "tree", text, tree: full, modules };
}

function folder(text: string): string {
  const full = path.resolve(text);
  if (statSync(full, { throwIfNoEntry: false })?.isDirectory()) return full;
  throw new UsageError(`--modules expects a folder, and ${printable(text)} is none`);
}

function unknown(text: string): UsageError {
  return new UsageError(
    `"${printable(text)}" is no kernel that is known and no file here: expected ${KNOWN}`,
  );
}
