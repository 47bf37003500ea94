/** Every format of a report, by name. A format is one file and one line here. */
import type { Run } from "../document/run.ts";
import { renderBenchmarkJson, renderBenchmarkJsonBigger } from "./exports/benchmark-json.ts";
import { renderCommit } from "./exports/commit.ts";
import { renderGobench } from "./exports/gobench.ts";
import { renderRunJson } from "./exports/json.ts";
import { renderHtml } from "./html/page.ts";
import { renderMarkdown } from "./markdown/run.ts";
import { renderTerminal, type TerminalOptions } from "./terminal/run.ts";

export interface ReportFormat<Document = Run> {
  /** As `--format` takes it. */
  readonly name: string;
  /** What it is called beside the document. */
  readonly fileName: string;
  /** `options` are for the terminal alone. */
  render(document: Document, options?: TerminalOptions): string;
}

export const FORMATS: readonly ReportFormat[] = [
  { name: "html", fileName: "report.html", render: renderHtml },
  { name: "markdown", fileName: "report.md", render: renderMarkdown },
  { name: "json", fileName: "run.json", render: renderRunJson },
  { name: "commit", fileName: "report.commit.txt", render: renderCommit },
  { name: "terminal", fileName: "report.txt", render: renderTerminal },
  { name: "gobench", fileName: "bench.txt", render: renderGobench },
  { name: "benchmark-json", fileName: "benchmark.json", render: renderBenchmarkJson },
  {
    name: "benchmark-json-bigger",
    fileName: "benchmark-bigger.json",
    render: renderBenchmarkJsonBigger,
  },
];

/** The format of that name, or undefined. */
export function formatNamed(name: string): ReportFormat | undefined {
  return FORMATS.find((format) => format.name === name);
}

/** Throws a RangeError for a name that is none of the formats'. */
export function rendered<Document>(
  formats: readonly ReportFormat<Document>[],
  name: string,
  document: Document,
  options?: TerminalOptions,
): string {
  const found = formats.find((format) => format.name === name);
  if (found === undefined) throw new RangeError(`unknown format "${name}"`);
  return found.render(document, options);
}
