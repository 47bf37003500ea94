/** The one place where text becomes HTML: a template that escapes whatever is put into it. */
import { printable, printableLines } from "../../text/printable.ts";

/** HTML that was written here, not taken from outside. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

type Value = string | number | null | Html | readonly Html[];

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Escapes every interpolation that is not Html already; null is nothing. */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  let text = strings[0] ?? "";
  values.forEach((value, index) => {
    text += rendered(value) + (strings[index + 1] ?? "");
  });
  return new Html(text);
}

/** Several lines of output, each cleaned. */
export function lines(text: string): Html {
  return new Html(printableLines(text).map(escapeHtml).join("\n"));
}

/** A coordinate: a tenth of a pixel is enough. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function rendered(value: Value): string {
  if (value === null) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map((one) => one.text).join("");
  return escapeHtml(printable(String(value)));
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
