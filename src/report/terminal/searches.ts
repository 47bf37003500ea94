import type { Run } from "../../document/run.ts";
import { SEARCH_WORDS, searchRows } from "../facts/searches.ts";
import { cells, right, type Screen } from "./screen.ts";

/** What the searches tried; nothing where no case searched. */
export function writeSearches(screen: Screen, run: Run): void {
  const rows = searchRows(run);
  if (rows.length === 0) return;
  screen.heading("Searches: offered, over all rounds");
  screen.table(
    "case",
    right("trials", "highest passed", "lowest failed", "its loss"),
    rows.map(({ id, trials, passed, failed, loss }) => ({
      label: id,
      cells: [...cells([trials], "dim"), ...cells([passed], "strong"), ...cells([failed, loss])],
    })),
  );
  screen.paragraph(SEARCH_WORDS, { indent: 2, hanging: 4, tone: "dim" });
}
