import type { Place } from "./state.ts";

/** A command's words, for the host, so that it runs in that namespace. */
export function wordsAt(place: Place, words: readonly string[]): string[] {
  return place.own ? [...words] : ["nsenter", `--net=${place.path}`, "--", ...words];
}
