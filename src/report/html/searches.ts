import type { Run } from "../../document/run.ts";
import { SEARCH_WORDS, searchRows } from "../facts/searches.ts";
import { type Html, html } from "./markup.ts";
import { code, right, table } from "./parts.ts";

/** What the searches tried; nothing where no case searched. */
export function searchesPart(run: Run): Html {
  const rows = searchRows(run);
  if (rows.length === 0) return html``;
  return table(
    `Searches: offered, over all rounds. ${SEARCH_WORDS}`,
    [
      { title: "Case" },
      ...["Trials", "Highest passed", "Lowest failed", "Its loss"].map((title) => ({
        title,
        align: "right" as const,
      })),
    ],
    rows.map(({ id, trials, passed, failed, loss }) => ({
      cells: [code(id), right(trials), right(passed), right(failed), right(loss)],
    })),
  );
}
