/** Columns of a terminal: how wide text is, padding and wrapping. */

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const COMBINING = /\p{M}/u;
const PLAIN = /^[\x20-\x7e]*$/;

/** Columns that cleaned text takes. */
export function columns(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let total = 0;
  for (const point of text) total += columnsOf(point);
  return total;
}

export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - columns(text)));
}

export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - columns(text))) + text;
}

/** Lines of at most `width` columns, broken at spaces, and inside a word only if it is too long. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ").flatMap((part) => pieces(part, width))) {
    if (line === "") line = word;
    else if (columns(line) + 1 + columns(word) <= width) line += ` ${word}`;
    else {
      lines.push(line);
      line = word;
    }
  }
  lines.push(line);
  return lines;
}

/** Wrapped, with what follows the first line set in by `hang` columns. */
export function hang(text: string, width: number, indent: number, hanging: number): string[] {
  return wrap(text, width - Math.max(indent, hanging)).map(
    (line, index) => " ".repeat(index === 0 ? indent : hanging) + line,
  );
}

function pieces(word: string, width: number): string[] {
  if (columns(word) <= width) return [word];
  const parts: string[] = [];
  let part = "";
  let used = 0;
  for (const point of word) {
    const size = columnsOf(point);
    if (used + size > width) {
      parts.push(part);
      part = "";
      used = 0;
    }
    part += point;
    used += size;
  }
  if (part !== "") parts.push(part);
  return parts;
}

function columnsOf(point: string): number {
  if (COMBINING.test(point)) return 0;
  return WIDE.test(point) ? 2 : 1;
}
