import type { Run } from "../../document/run.ts";
import { SLOPE_WORDS, slopeRows, slopeSentences } from "../facts/slopes.ts";
import { cells, right, type Screen } from "./screen.ts";

const AT = { indent: 2, hanging: 4 };

/** What one more of something costs a frame. */
export function writeSlopes(screen: Screen, run: Run): void {
  if (run.slopes === undefined) return;
  screen.heading("What one more costs: CPU time a frame");
  const rows = slopeRows(run);
  screen.table(
    "",
    [{ title: "workload", align: "left" }, ...right("a frame", "interval, ns")],
    rows
      .filter(({ reason }) => reason === null)
      .map((row) => ({
        label: row.what,
        cells: [
          ...cells([row.workload]),
          ...cells([row.value], "strong"),
          ...cells([row.interval]),
        ],
      })),
  );
  for (const { what, workload, value, reason } of rows) {
    if (reason === null) continue;
    screen.paragraph(`${what}, ${workload}: ${value}: ${reason}`, { ...AT, tone: "dim" });
  }
  for (const { text } of slopeSentences(run)) screen.paragraph(text, AT);
  screen.paragraph(SLOPE_WORDS, { ...AT, tone: "dim" });
}
