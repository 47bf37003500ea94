import { rm } from "node:fs/promises";
import { UsageError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";
import { discard, pathOf } from "./cache.ts";
import { readShelf, type Shelf } from "./manifest.ts";
import { SUITES } from "./spec.ts";

export interface CachedThing {
  kind: "image" | "userland";
  spec: string;
  name: string;
  release: string;
  source: string;
  bytes: number;
  made: string;
}

const SHELVES: readonly Shelf[] = ["images", "userlands"];

/** What the cache holds by its manifests, and the suites it could hold. */
export async function listCached(): Promise<{ cached: CachedThing[]; available: string[] }> {
  const cached = (await entries()).map(({ thing }) => thing);
  const specs = new Set(cached.map(({ spec }) => spec));
  const available = SUITES.map((suite) => `debian:${suite}`).filter((spec) => !specs.has(spec));
  return { cached, available };
}

/** Removes what these specs or names stand for; null: everything that has a manifest of ours. */
export async function removeCached(words: readonly string[] | null): Promise<CachedThing[]> {
  const all = await entries();
  const matches = (thing: CachedThing, word: string) => thing.spec === word || thing.name === word;
  for (const word of words ?? []) {
    if (all.some(({ thing }) => matches(thing, word))) continue;
    const known = [...new Set(all.map(({ thing }) => thing.spec))].join(", ");
    throw new UsageError(
      `"${printable(word)}" is not in the cache, which holds ${printable(known) || "nothing"}`,
    );
  }
  const doomed =
    words === null ? all : all.filter(({ thing }) => words.some((word) => matches(thing, word)));
  for (const { shelf, id } of doomed) await discard(shelf, id);
  if (words === null) await rm(pathOf("accelerators"), { recursive: true, force: true });
  return doomed.map(({ thing }) => thing);
}

async function entries(): Promise<{ shelf: Shelf; id: string; thing: CachedThing }[]> {
  const found: { shelf: Shelf; id: string; thing: CachedThing }[] = [];
  for (const shelf of SHELVES) {
    for (const { manifest, id } of await readShelf(shelf)) {
      const { kind, spec, name, release, source, made, files } = manifest;
      const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
      found.push({ shelf, id, thing: { kind, spec, name, release, source, bytes, made } });
    }
  }
  return found;
}
