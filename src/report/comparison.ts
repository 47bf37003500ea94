/** Every format of a comparison, by the same names as a run's. */
import type { Comparison } from "../document/compare.ts";
import { renderComparisonCommit } from "./comparison/commit.ts";
import { renderComparisonHtml } from "./comparison/html.ts";
import { renderComparisonMarkdown } from "./comparison/markdown.ts";
import { renderComparisonTerminal } from "./comparison/terminal.ts";
import { renderJson } from "./exports/json.ts";
import { type ReportFormat, rendered } from "./formats.ts";
import type { TerminalOptions } from "./terminal/run.ts";

export const COMPARISON_FORMATS: readonly ReportFormat<Comparison>[] = [
  { name: "html", fileName: "compare.html", render: renderComparisonHtml },
  { name: "markdown", fileName: "compare.md", render: renderComparisonMarkdown },
  { name: "json", fileName: "compare.json", render: renderJson },
  { name: "commit", fileName: "compare.commit.txt", render: renderComparisonCommit },
  { name: "terminal", fileName: "compare.txt", render: renderComparisonTerminal },
];

/** `options` are the terminal's. Throws a RangeError for a format that is not in COMPARISON_FORMATS. */
export function renderComparison(
  format: string,
  comparison: Comparison,
  options?: TerminalOptions,
): string {
  return rendered(COMPARISON_FORMATS, format, comparison, options);
}
