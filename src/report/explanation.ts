/** Every format of an explanation, by the same names as a run's. */
import type { Explanation } from "../document/explain.ts";
import { renderExplanationHtml } from "./explanation/html.ts";
import { renderExplanationMarkdown } from "./explanation/markdown.ts";
import { type ExplanationOptions, renderExplanationTerminal } from "./explanation/terminal.ts";
import { renderJson } from "./exports/json.ts";
import { type ReportFormat, rendered } from "./formats.ts";

export const EXPLANATION_FORMATS: readonly ReportFormat<Explanation>[] = [
  { name: "html", fileName: "explain.html", render: renderExplanationHtml },
  { name: "markdown", fileName: "explain.md", render: renderExplanationMarkdown },
  { name: "json", fileName: "explain.json", render: renderJson },
  { name: "terminal", fileName: "explain.txt", render: renderExplanationTerminal },
];

/** `options` are the terminal's. Throws a RangeError for a format that is not in EXPLANATION_FORMATS. */
export function renderExplanation(
  format: string,
  explanation: Explanation,
  options?: ExplanationOptions,
): string {
  return rendered(EXPLANATION_FORMATS, format, explanation, options);
}
