/** The pages under test, as people get them: files. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { renderComparisonHtml } from "../../src/report/comparison/html.ts";
import { renderExplanationHtml } from "../../src/report/explanation/html.ts";
import { renderHtml } from "../../src/report/html/page.ts";
import { compareRuns } from "../../src/stats/compare/runs.ts";
import { floodingExplanation } from "../fixtures/report/explanations.ts";
import { bookwormRun, trixieRun } from "../fixtures/report/kernels.ts";
import { completeRun, HOSTILE, hostileRun } from "../fixtures/report/runs.ts";

const all = HOSTILE.join(" ");

/** Page text by name. */
export const PAGES = {
  run: renderHtml(completeRun()),
  counted: renderHtml(bookwormRun()),
  comparison: renderComparisonHtml(compareRuns(bookwormRun(), trixieRun())),
  explanation: renderExplanationHtml(floodingExplanation()),
  "hostile run": renderHtml(hostileRun()),
  "hostile comparison": renderComparisonHtml(compareRuns(hostileRun(), hostileRun())),
  "hostile explanation": renderExplanationHtml(floodingExplanation((text) => `${text} ${all}`)),
} as const;

export interface Files {
  /** Writes a page; its address. */
  put(name: string, text: string): string;
  remove(): void;
}

export function pageFiles(): Files {
  const folder = mkdtempSync(join(tmpdir(), "bridgescope-pages-"));
  return {
    put: (name, text) => {
      const path = join(folder, `${name.replaceAll(" ", "-")}.html`);
      writeFileSync(path, text);
      return pathToFileURL(path).href;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
