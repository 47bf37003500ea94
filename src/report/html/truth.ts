import type { Run } from "../../document/run.ts";
import { TRUTH_TITLE, TRUTH_WORDS, truthRows } from "../facts/truth.ts";
import { type Html, html } from "./markup.ts";
import { code, right, section, table } from "./parts.ts";

/** How net stage times close against unobserved ones; nothing where the run did not ask. */
export function truthSection(run: Run): Html {
  if (run.truth === undefined) return html``;
  return section("truth", TRUTH_TITLE, [
    table(
      `Nanoseconds a frame, with 95 % intervals. ${TRUTH_WORDS}`,
      [
        { title: "What differs" },
        { title: "From, to" },
        { title: "Without probes", align: "right" },
        { title: "Net stages", align: "right" },
        { title: "Ratio", align: "right" },
        { title: "Verdict" },
      ],
      truthRows(run).map((row) => ({
        cells: [
          row.what,
          code(row.cases),
          right(row.unobserved),
          right(row.observed),
          right(row.ratio),
          { value: row.verdict, kind: "wide" as const },
        ],
      })),
    ),
  ]);
}
