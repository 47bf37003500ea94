/** Sections put together under GitHub's limit; what was left out is said, and where it is. */
import { byteLength, type Markdown } from "../../text/markdown.ts";
import { plural } from "../../text/units.ts";
import { Budget, NOTE } from "./budget.ts";

const LIMIT = 58_000;

export interface Section {
  readonly title: string;
  readonly folded: boolean;
  /** Bytes that earlier sections leave for this one. */
  readonly share: number;
  readonly head: Markdown | null;
  readonly rows: readonly Markdown[];
  readonly note: Markdown | null;
}

/** `whole` says where the rows are that had no room. */
export function assembled(
  parts: readonly Markdown[],
  sections: readonly Section[],
  whole: string,
): string {
  const budget = new Budget(LIMIT);
  const head = parts.map((part) => part.text);
  budget.spend(byteLength(head.join("\n\n")));
  const reserve = sections.map(({ rows, share }) => Math.min(share, roomFor(rows)));
  const body = sections.map((section, index) => {
    const later = reserve.slice(index + 1).reduce((sum, share) => sum + share, 0);
    return rendered(section, budget, later, whole);
  });
  return `${[...head, ...body.filter((part) => part !== "")].join("\n\n")}\n`;
}

/** What all rows of a section take: it keeps no more than that from those before it. */
function roomFor(rows: readonly Markdown[]): number {
  if (rows.length === 0) return 0;
  return rows.reduce((sum, one) => sum + byteLength(one.text) + 1, NOTE);
}

function rendered(section: Section, budget: Budget, later: number, whole: string): string {
  if (section.rows.length === 0) return "";
  const open = section.folded
    ? `<details><summary>${section.title}</summary>\n`
    : `### ${section.title}`;
  const close = section.folded ? "\n</details>" : "";
  const head = section.head === null ? [] : [section.head.text];
  const note = section.note === null ? [] : [`\n${section.note.text}`];
  budget.spend(byteLength([open, close, ...head, ...note].join("\n")) + 8);
  const { shown, left } = budget.fit(section.rows, later);
  const more = left > 0 ? [`\n${plural(left, "more row")}: ${whole}.`] : [];
  const rows = shown.map((one) => one.text);
  return (
    [open, ...(section.folded ? [] : [""]), ...head, ...rows, ...more, ...note].join("\n") +
    (close === "" ? "" : `\n${close}`)
  );
}
