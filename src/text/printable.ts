/**
 * The one place where text from outside (interface names, ids, errors, command output) is made
 * fit to be shown. What a terminal would obey, or a reader could not see, becomes a visible escape.
 */

// Every control, format (bidi, zero-width), surrogate, private and unassigned code point, and the
// two separators that are line breaks to some viewers.
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** One line of text in which nothing is invisible and nothing is obeyed. */
export function printable(text: string): string {
  return text.replace(UNSEEN, visible);
}

/** The same in ASCII alone, for mail and commit messages: our own signs spelled out, others escaped. */
export function ascii(text: string): string {
  return printable(text)
    .replaceAll("\u00b5", "u")
    .replaceAll("\u2026", "...")
    .replace(/[^\x20-\x7e]/gu, visible);
}

/** The same for output of several lines: the line breaks and tabs become structure. */
export function printableLines(text: string): string[] {
  const lines = text.replaceAll("\r\n", "\n").replaceAll("\t", "    ").split("\n").map(printable);
  while (lines.length > 1 && lines.at(-1) === "") lines.pop();
  return lines;
}

/** Cut to at most `max` code points, the cut shown; the head and the tail are kept. */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text;
  const points = Array.from(text);
  if (points.length <= max) return text;
  const tail = Math.floor((max - 1) / 3);
  const head = max - 1 - tail;
  return `${points.slice(0, head).join("")}…${tail > 0 ? points.slice(-tail).join("") : ""}`;
}

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${code.toString(16).padStart(4, "0")}` : `\\u{${code.toString(16)}}`;
}
