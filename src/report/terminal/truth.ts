import type { Run } from "../../document/run.ts";
import { TRUTH_TITLE, TRUTH_WORDS, truthRows } from "../facts/truth.ts";
import { cells, right, type Screen } from "./screen.ts";

const AT = { indent: 2, hanging: 4 };

/** How net stage times close against unobserved ones. */
export function writeTruth(screen: Screen, run: Run): void {
  if (run.truth === undefined) return;
  screen.heading(TRUTH_TITLE);
  const rows = truthRows(run);
  screen.table(
    "nanoseconds a frame",
    right("without probes", "net stages", "ratio"),
    rows.map(({ what, unobserved, observed, ratio }) => ({
      label: what,
      cells: [...cells([unobserved, observed]), ...cells([ratio], "strong")],
    })),
  );
  for (const { what, cases, verdict } of rows)
    screen.paragraph(`${what}, ${cases}: ${verdict}`, AT);
  screen.paragraph(TRUTH_WORDS, { ...AT, tone: "dim" });
}
