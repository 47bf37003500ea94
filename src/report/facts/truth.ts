/** How net stage times close against times that nobody watched, in words. */

import type { Run } from "../../document/run.ts";
import type { Truth } from "../../document/truth.ts";
import { digits } from "../../text/units.ts";

export const TRUTH_TITLE = "Truth: net stage times against what nobody watched";
export const TRUTH_WORDS =
  "All labs stood at once; each turn measured each row without probes, then its stages, then without probes again. Means over turns with 95 % intervals (Student's t).";

type Row = Truth["rows"][number];

export interface TruthRow {
  /** What differs, and between which cases. */
  readonly what: string;
  readonly cases: string;
  /** Nanoseconds, with intervals. */
  readonly unobserved: string;
  readonly observed: string;
  readonly ratio: string;
  readonly verdict: string;
}

const WHAT: Record<Row["id"], string> = {
  hop: "one more bridge in a chain",
  bridge: "a bridge in the place of a veth pair",
  port: "one more port in a flood",
  learn: "a new source in each frame",
  rules: "more nft rules",
};

export function truthRows({ truth }: Run): TruthRow[] {
  return (truth?.rows ?? []).map((row) => ({
    what: WHAT[row.id],
    cases: `${row.base} to ${row.candidate}`,
    unobserved: withInterval(row.unobserved),
    observed: withInterval(row.observed),
    ratio:
      row.ratio === null || row.ci === null
        ? "-"
        : `${digits(row.ratio)} (${digits(row.ci[0])} .. ${digits(row.ci[1])})`,
    verdict: verdictOf(row),
  }));
}

function withInterval(found: Row["observed"]): string {
  if (found === null) return "-";
  return `${digits(found.value)} (${digits(found.ci[0])} .. ${digits(found.ci[1])})`;
}

function verdictOf({ kind, closes, reason }: Row): string {
  if (reason !== null) return `no number: ${reason}`;
  if (closes === null) return "cannot be told from so few turns";
  if (kind === "bound") return closes ? "within its bound" : "OVER ITS BOUND";
  return closes ? "closes within 0.8 .. 1.25" : "DOES NOT CLOSE";
}

export interface TruthSentence {
  readonly level: "alarm" | "result";
  readonly text: string;
}

/** Whether it closes, and what went wrong. */
export function truthSentences({ truth }: Run): TruthSentence[] {
  if (truth === undefined) return [];
  const wrong = truth.rows.filter(({ closes }) => closes === false).map(({ id }) => WHAT[id]);
  const closed = truth.rows.filter(({ closes }) => closes === true).length;
  return [
    ...(wrong.length === 0
      ? []
      : [{ level: "alarm" as const, text: `Stage times do not close: ${wrong.join(", ")}.` }]),
    ...(truth.error === null
      ? []
      : [{ level: "alarm" as const, text: `Not finished: ${truth.error}` }]),
    {
      level: "result",
      text: `Net stage times close in ${closed} of ${truth.rows.length} ways of asking.`,
    },
  ];
}
