/** What is in a rendered text: what a terminal obeys, elements and attributes. */
import { gunzipSync } from "node:zlib";
import { SCRIPT } from "../../../src/report/html/script.ts";

// What a terminal obeys or hides; line breaks are the formats' own.
const OBEYED = /[^\P{C}\n]|[\p{Zl}\p{Zp}]/u;

/** The first character that should not be there, or null. */
export function obeyed(text: string): string | null {
  return OBEYED.exec(text)?.[0] ?? null;
}

/** The names of its elements. */
export function tags(text: string): string[] {
  return [...new Set([...text.matchAll(/<\/?([a-z]+)/g)].map(([, name]) => name ?? ""))].sort();
}

export function attributesOf(page: string): string[] {
  const open = [...page.matchAll(/<[a-z0-9]+((?: [a-zA-Z-]+(?:="[^"]*")?)*) ?\/?>/gi)];
  return open.flatMap(([, all = ""]) =>
    [...all.matchAll(/ ([a-zA-Z-]+)(?:="[^"]*")?/g)].map(([, name]) => name ?? ""),
  );
}

/** Element names that are opened and not closed, or the other way round. */
export function unclosed(page: string): string[] {
  const single = new Set(["meta", "br", "path", "rect", "circle"]);
  const open: string[] = [];
  const body = page.replace(/<!DOCTYPE html>/, "").replace(/<style>.*?<\/style>/s, "");
  for (const [all, slash, name = ""] of body.matchAll(/<(\/?)([a-z0-9]*)/gi)) {
    if (name === "") return [all];
    if (single.has(name)) continue;
    if (slash === "") open.push(name);
    else if (open.pop() !== name) return [name];
  }
  return open;
}

/** The page without the one script that it brings, to the letter. */
export function withoutScript(page: string): string {
  return page.replace(`<script>${SCRIPT}</script>`, "");
}

/** Ids that two elements have, and links to an id that none has. */
export function misnamed(page: string): string[] {
  const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id = ""]) => id);
  const targets = [...page.matchAll(/ href="#([^"]*)"/g)].map(([, id = ""]) => id);
  const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
  const known = new Set(ids);
  return [...twice, ...targets.filter((id) => !known.has(id))];
}

/** The document that a page carries. */
export function packedIn(page: string): unknown {
  const [, packed = ""] = /data:application\/gzip;base64,([A-Za-z0-9+/=]+)"/.exec(page) ?? [];
  return JSON.parse(gunzipSync(Buffer.from(packed, "base64")).toString());
}

/** The page without the packed document, whose letters spell anything sooner or later. */
export function withoutPacked(page: string): string {
  return page.replaceAll(/;base64,[A-Za-z0-9+/=]*/g, "");
}
