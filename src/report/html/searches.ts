import type { Case, Run } from "../../document/run.ts";
import { quantity } from "../../text/units.ts";
import { SEARCH_WORDS, searchRows } from "../facts/searches.ts";
import { type Html, html } from "./markup.ts";
import { code, fold, right, table } from "./parts.ts";
import { scatter } from "./scatter.ts";

type Trials = NonNullable<Case["trials"]>;

/** What the searches tried; nothing where no case searched. */
export function searchesPart(run: Run): Html {
  const rows = searchRows(run);
  if (rows.length === 0) return html``;
  const list = table(
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
  const plots = run.cases.flatMap(({ id, trials = [] }, index) =>
    trials.length === 0 ? [] : [plotsOf(id, trials, index)],
  );
  return html`${list}${fold({ summary: "Every trial: delivered and lost, against offered", body: plots })}`;
}

/** RFC 2544, 26.1 and 26.3: what came through, and what was lost, against what was offered. */
function plotsOf(id: string, trials: Trials, index: number): Html {
  const unit = trials[0]?.unit ?? "frames/s";
  const points = (y: (trial: Trials[number]) => number) =>
    trials.map((trial) => ({
      x: trial.offered,
      y: y(trial),
      bad: !trial.passed,
      says: `round ${trial.round}: offered ${quantity(trial.offered, unit)}, delivered ${quantity(trial.delivered, unit)}, lost ${quantity(trial.loss, "ratio")}${trial.passed ? "" : ", failed"}`,
    }));
  const plot = (what: string, yUnit: string, y: (trial: Trials[number]) => number) =>
    scatter(points(y), {
      id: `trial-${what}-${index}`,
      title: `${what} against offered in ${id}`,
      caption: html`<strong>${what}</strong> in ${code(id)}; a cross is a trial that failed`,
      xUnit: unit,
      xLabel: "offered",
      yUnit,
    });
  return html`<div class="strips">${[
    plot("delivered", unit, ({ delivered }) => delivered),
    plot("loss", "ratio", ({ loss }) => Math.max(0, loss)),
  ]}</div>`;
}
