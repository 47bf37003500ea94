/** What the terminal sections write to: lines of at most `width` columns, coloured only if asked. */

import { columns, hang } from "../../text/layout.ts";
import { ascii, printable, printableLines } from "../../text/printable.ts";

export type Tone = "plain" | "alarm" | "caution" | "good" | "dim" | "strong";

export interface Cell {
  readonly text: string;
  readonly tone: Tone;
}

export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
}

export interface Row {
  /** Names the row; goes on a line of its own where it does not fit. */
  readonly label: string;
  readonly tone?: Tone;
  readonly cells: readonly Cell[];
}

const CODES: Record<Tone, string> = {
  plain: "",
  alarm: "1;31",
  caution: "33",
  good: "32",
  dim: "2",
  strong: "1",
};
const GAP = 2;
const LEAST_LABEL = 12;

export class Screen {
  readonly width: number;
  readonly #color: boolean;
  readonly #clean: (text: string) => string;
  readonly #lines: string[] = [];

  /** `ascii` for what is mailed or committed: every other character becomes a visible escape. */
  constructor(options: { width: number; color: boolean; ascii?: boolean }) {
    this.width = options.width;
    this.#color = options.color;
    this.#clean = options.ascii === true ? ascii : printable;
  }

  toString(): string {
    return `${this.#lines.join("\n")}\n`;
  }

  heading(text: string): void {
    if (this.#lines.length > 0) this.#lines.push("");
    this.paragraph(text, { tone: "strong" });
  }

  /** Text from anywhere, cleaned and wrapped. */
  paragraph(text: string, options: { tone?: Tone; indent?: number; hanging?: number } = {}): void {
    const { tone = "plain", indent = 0, hanging = indent } = options;
    for (const line of hang(this.#clean(text), this.width, indent, hanging)) {
      this.#lines.push(this.#paint(tone, line));
    }
  }

  /** A command to copy: cleaned, and on one line however long that gets. */
  verbatim(text: string, indent: number): void {
    this.#lines.push(" ".repeat(indent) + this.#clean(text));
  }

  /** A name and its text, line by line as it came. */
  block(name: string, text: string): void {
    const [first = "", ...rest] = printableLines(text);
    this.paragraph(`${name}: ${first}`, { indent: 4, hanging: 6 });
    for (const line of rest) this.paragraph(line, { indent: 6, hanging: 8 });
  }

  /** Rows under right- or left-aligned columns; as `title value` pairs where they cannot fit. */
  table(label: string, head: readonly Column[], rows: readonly Row[]): void {
    if (rows.length === 0) return;
    const sizes = head.map((column, index) =>
      Math.max(
        columns(column.title),
        ...rows.map((row) => columns(this.#clean(row.cells[index]?.text ?? ""))),
      ),
    );
    const taken = sizes.reduce((sum, size) => sum + size + GAP, 0);
    const room = this.width - taken - 2;
    if (room < LEAST_LABEL) {
      this.#pairs(head, rows);
      return;
    }
    const labels = rows
      .map((row) => columns(this.#clean(row.label)))
      .filter((size) => size <= room);
    const first = Math.max(LEAST_LABEL, columns(label), ...labels);
    this.#row({ text: label, tone: "dim" }, first, sizes, head, titles(head));
    for (const row of rows) {
      const name = this.#clean(row.label);
      const fits = columns(name) <= room;
      if (!fits) this.#name(row);
      if (!fits && row.cells.length === 0) continue;
      this.#row(
        { text: fits ? name : "", tone: row.tone ?? "plain" },
        first,
        sizes,
        head,
        row.cells,
      );
    }
  }

  #row(
    label: Cell,
    first: number,
    sizes: readonly number[],
    head: readonly Column[],
    cells: readonly Cell[],
  ): void {
    const parts = head.map((column, index) => {
      const cell = cells[index] ?? { text: "", tone: "plain" as const };
      const size = sizes[index] ?? 0;
      const text = this.#clean(cell.text);
      const room = " ".repeat(Math.max(0, size - columns(text)));
      const painted = this.#paint(cell.tone, text);
      return column.align === "right" ? room + painted : painted + room;
    });
    const start =
      this.#paint(label.tone, label.text) + " ".repeat(Math.max(0, first - columns(label.text)));
    this.#lines.push(`  ${start}${parts.map((part) => " ".repeat(GAP) + part).join("")}`.trimEnd());
  }

  #pairs(head: readonly Column[], rows: readonly Row[]): void {
    for (const row of rows) {
      if (row.label !== "") this.#name(row);
      const text = row.cells.map((cell, index) => `${head[index]?.title ?? ""} ${cell.text}`);
      if (text.length > 0) this.paragraph(text.join(", "), { indent: 4, hanging: 6 });
    }
  }

  #name({ label, tone = "plain" }: Row): void {
    const inset = label.length - label.trimStart().length;
    this.paragraph(label.trimStart(), { indent: 2 + inset, hanging: 4 + inset, tone });
  }

  #paint(tone: Tone, text: string): string {
    return this.#color ? paint(tone, text) : text;
  }
}

export function paint(tone: Tone, text: string): string {
  const code = CODES[tone];
  return code !== "" && text !== "" ? `\x1b[${code}m${text}\x1b[0m` : text;
}

/** Cells of one tone. */
export function cells(texts: readonly string[], tone: Tone = "plain"): Cell[] {
  return texts.map((text) => ({ text, tone }));
}

export function right(...titles: string[]): Column[] {
  return titles.map((title) => ({ title, align: "right" as const }));
}

function titles(head: readonly Column[]): Cell[] {
  return head.map((column) => ({ text: column.title, tone: "dim" }));
}
