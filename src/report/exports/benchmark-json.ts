/**
 * The custom JSON of github-action-benchmark. A file of it is either all smaller-is-better
 * (customSmallerIsBetter) or all bigger-is-better (customBiggerIsBetter), so there are two formats.
 */
import type { Case, Metric, Run } from "../../document/run.ts";
import { printable } from "../../text/printable.ts";
import { plural, span } from "../../text/units.ts";
import { type ExportedSeries, encoded, exportedCases, seriesOf } from "../facts/exports.ts";
import { renderJson } from "./json.ts";

// Names are shown in tables and comments.
const NAME = /^[A-Za-z0-9._:,=+/ -]$/;

export function renderBenchmarkJson(run: Run): string {
  return renderJson(entriesOf(run, "lower"));
}

export function renderBenchmarkJsonBigger(run: Run): string {
  return renderJson(entriesOf(run, "higher"));
}

/** Whether a run has anything that the other of the two formats shows. */
export function hasBigger(run: Run): boolean {
  return entriesOf(run, "higher").length > 0;
}

interface Entry {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly range: string;
  readonly extra: string;
}

function entriesOf(run: Run, better: Metric["better"]): Entry[] {
  return exportedCases(run).flatMap((item) =>
    seriesOf(run, item)
      .filter((series) => series.better === better)
      .map((series) => entry(run, item, series)),
  );
}

function entry(run: Run, item: Case, series: ExportedSeries): Entry {
  const { name, unit, value, ends, samples } = series;
  const [low, high] = ends;
  const state = item.state === "complete" ? [] : [`the case was ${item.state}`];
  return {
    name: encoded(`${item.id} ${name}`, NAME),
    unit: printable(unit),
    value,
    // Half of what is between the two ends: the action reads a number behind the sign.
    range: `± ${Number(((high - low) / 2).toPrecision(3))}`,
    extra: [
      `${plural(samples.length, "round")}, ${span(low, high, unit)}`,
      `Linux ${run.environment.kernel.release}`,
      `run ${run.id}`,
      ...state,
    ]
      .map(printable)
      .join("\n"),
  };
}
