import { wrap } from "./layout.ts";
import { ascii } from "./printable.ts";

const PLAIN = /^[\w@%+=:,./-]+$/;

/** One line as a shell takes it. */
export function commandLine(argv: readonly string[]): string {
  return argv
    .map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
    .join(" ");
}

/** The same in ASCII over lines of at most `width` columns, which a shell still reads as one. */
export function foldedCommand(argv: readonly string[], width: number): string[] {
  const lines = wrap(ascii(commandLine(argv)), width - 2);
  return lines.map((line, index) => (index < lines.length - 1 ? `${line} \\` : line));
}
