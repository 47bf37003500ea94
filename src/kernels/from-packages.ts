import { mkdir } from "node:fs/promises";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { openApt, type Package } from "./apt.ts";
import { discard, requireRoom, withTemporary } from "./cache.ts";
import { type About, type Cached, pickWhole, readShelf, type Shelf, shelve } from "./manifest.ts";
import { findMirror } from "./mirror.ts";
import type { EnsureOptions } from "./options.ts";
import type { Suite } from "./spec.ts";

/** What is made of packages of a Debian suite. */
export interface Product extends Pick<About, "kind" | "spec" | "name"> {
  suite: Suite;
  packages: readonly string[];
  /** Which to take of all that these depend on. */
  takes(name: string): boolean;
  /** Changes when what is made of the same packages changes. */
  recipe: string;
  /** What making it takes of the disk for a while. */
  roomMb: number;
  /** Makes its files out of the unpacked packages; `work` may be written to. */
  make(parts: Parts): Promise<Pick<About, "release" | "source">>;
}

interface Parts {
  packages: readonly Package[];
  tree: string;
  work: string;
  made: string;
  signal: AbortSignal | undefined;
}

/** A product out of the cache, or made now. One takes the place of its older ones. */
export async function ensureMade(product: Product, options: EnsureOptions): Promise<Cached> {
  const { kind, spec, recipe } = product;
  const shelf: Shelf = `${kind}s`;
  const all = (await readShelf(shelf)).filter(({ manifest }) => manifest.spec === spec);
  const ready = await pickWhole(all, ({ manifest }) => manifest.recipe === recipe);
  if (ready !== null && !options.refresh) return ready;
  const mirror = await findMirror(options.mirror, options.signal);
  await requireRoom(product.roomMb, `making ${spec}`);
  const cached = await withTemporary((work) => make(product, work, mirror, ready, options));
  for (const old of all) if (old.id !== cached.id) await discard(shelf, old.id);
  return cached;
}

async function make(
  product: Product,
  work: string,
  mirror: string,
  ready: Cached | null,
  { signal, progress }: EnsureOptions,
): Promise<Cached> {
  const { kind, spec, name, recipe } = product;
  progress?.(`asking the mirror for the packages of ${spec}`);
  const apt = await openApt(work, product.suite, mirror, signal);
  const all = await apt.resolve(product.packages);
  const packages = all.filter((one) => product.takes(one.name));
  const sums = Object.fromEntries(
    packages.map(({ name, version, checksum }) => [name, { version, checksum }]),
  );
  if (ready !== null && isDeepStrictEqual(ready.manifest.packages, sums)) return ready;
  const megabytes = Math.ceil(packages.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6);
  progress?.(`fetching and unpacking the packages of ${spec} (${megabytes} MB)`);
  const tree = path.join(work, "tree");
  await apt.unpack(packages, tree);
  progress?.(`packing ${spec}`);
  const made = path.join(work, "made");
  await mkdir(made);
  const found = await product.make({ packages, tree, work, made, signal });
  return shelve(made, { kind, spec, name, recipe, packages: sums, ...found }, signal);
}
