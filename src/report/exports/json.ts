/** A document itself, safe to print: nothing in it can reach a terminal as a command. */
import { sealed } from "../../document/integrity.ts";
import type { Run } from "../../document/run.ts";

// JSON.stringify escapes C0 and lone surrogates only; the rest of what a terminal obeys, or a
// viewer hides, it leaves as it is. The line breaks are its own.
const UNSEEN = /[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu;

/** A run document, with its checksum. */
export function renderRunJson(run: Run): string {
  return renderJson(sealed(run));
}

/** Two-space indented JSON with a final line break; parses back to the same document. */
export function renderJson(document: object): string {
  return `${JSON.stringify(document, null, 2).replace(UNSEEN, escaped)}\n`;
}

function escaped(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
