/** The one place where text becomes Markdown: a template that escapes whatever is put into it. */
import { clip, printable, printableLines } from "./printable.ts";

/** Markdown that was written here, not taken from outside. */
export class Markdown {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

type Value = string | number | Markdown;

// Whatever can begin or end a construct, including table cells, entities and GitHub's math.
const PUNCTUATION = /[\\`*{}[\]<>#|~@&$^!]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g;
// Mentions, issue references, links and code stay text only inside <code>.
const NEEDS_CODE = /[@#$`\\<[\]|]|:\/\/|www\./i;
const PLAIN_CODE = /^[A-Za-z0-9 .,:;/=+_()%-]+$/;
const LONGEST = 300;

/** Escapes every interpolation that is not Markdown already. */
export function md(strings: TemplateStringsArray, ...values: Value[]): Markdown {
  const text = strings.reduce((sum, part, index) => {
    const value = index === 0 ? "" : (values[index - 1] ?? "");
    return sum + (value instanceof Markdown ? value.text : prose(String(value))) + part;
  }, "");
  return new Markdown(text);
}

/** A name, id or command, set as code. */
export function code(text: string, max = 120): Markdown {
  const shown = clip(printable(text), max);
  if (shown !== "" && shown.trim() === shown && PLAIN_CODE.test(shown)) {
    return new Markdown(`\`${shown}\``);
  }
  return new Markdown(`<code>${entities(shown)}</code>`);
}

/** Several lines of output. */
export function pre(text: string, max = 1000): Markdown {
  const lines = printableLines(clip(text, max)).map((line) => line.replace(/[&<>]/g, entity));
  return new Markdown(`<pre>\n${lines.join("\n")}\n</pre>`);
}

/** One row of a table. */
export function row(...values: Value[]): Markdown {
  return new Markdown(`| ${values.map((value) => md`${value}`.text).join(" | ")} |`);
}

/** Titles and rule of a table; `align` has an `l` or an `r` for each column. */
export function tableHead(titles: readonly string[], align: string): Markdown {
  const rule = Array.from(align, (side) => (side === "r" ? "---:" : "---")).join(" | ");
  return new Markdown(`${row(...titles).text}\n| ${rule} |`);
}

/** Bytes as GitHub counts them. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

function prose(text: string): string {
  const shown = clip(printable(text), LONGEST);
  return NEEDS_CODE.test(shown) ? `<code>${entities(shown)}</code>` : entities(shown);
}

function entities(text: string): string {
  return text.replace(PUNCTUATION, entity);
}

function entity(character: string): string {
  if (character === "<") return "&lt;";
  if (character === ">") return "&gt;";
  if (character === "&") return "&amp;";
  return `&#${character.charCodeAt(0)};`;
}
