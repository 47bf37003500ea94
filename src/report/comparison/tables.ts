/** The tables that the terminal and the commit message share. */
import type { Verdict } from "../../document/compare.ts";
import { clip } from "../../text/printable.ts";
import { bare, bareSpan, plural } from "../../text/units.ts";
import { type Row, right, type Screen, type Tone } from "../terminal/screen.ts";
import {
  byCase,
  differenceText,
  GROUP_WORDS,
  KINDS,
  metricText,
  noteOf,
  openQuestions,
  type Part,
  ratioSpan,
  ratioText,
  sideSpan,
  tableTitle,
} from "./facts.ts";
import { headlineSentences, sessionSentences } from "./paired.ts";

const LONGEST = 200;

const TONES: Record<Verdict["verdict"], Tone> = {
  regression: "alarm",
  improvement: "good",
  unchanged: "dim",
  inconclusive: "caution",
};

/** Differences by group, at most `each` of a group. */
export function writeDifferences(screen: Screen, part: Part, each: number): void {
  if (part.differences.length === 0) {
    screen.paragraph("nothing that the documents keep differs", { indent: 2, tone: "dim" });
  }
  for (const { group, list } of part.differences) {
    screen.paragraph(`${GROUP_WORDS[group]} (${list.length})`, { indent: 2, hanging: 4 });
    for (const one of list.slice(0, each)) {
      screen.paragraph(clip(differenceText(one), LONGEST), { indent: 4, hanging: 6 });
    }
    if (list.length > each) {
      const more = `and ${plural(list.length - each, "more", "more")}: all of them are in compare.json`;
      screen.paragraph(more, { indent: 4, hanging: 6, tone: "dim" });
    }
  }
}

/** What each headline metric of a paired comparison says, in sentences. */
export function writePaired(screen: Screen, part: Part): void {
  for (const { verdict, text } of headlineSentences(part)) {
    screen.paragraph(text, { indent: 2, hanging: 4, tone: TONES[verdict] });
  }
  for (const text of sessionSentences(part)) {
    screen.paragraph(text, { indent: 2, hanging: 4, tone: "dim" });
  }
}

/** Each stage and metric in two lines: the values, and the intervals below them. */
export function writeVerdicts(screen: Screen, part: Part): void {
  for (const kind of KINDS) {
    if (part[kind].length === 0) continue;
    screen.heading(tableTitle(kind));
    const rows = byCase(part[kind]).flatMap(({ id, rows: list }): Row[] => [
      { label: id, cells: [] },
      ...list.flatMap(verdictRows),
    ]);
    screen.table("case, stage", right("base", "candidate", "ratio"), rows);
  }
  const note = noteOf(part);
  if (note !== null) screen.paragraph(note, { indent: 2, hanging: 4, tone: "dim" });
  for (const text of openQuestions(part)) {
    screen.paragraph(text, { indent: 2, hanging: 4, tone: "dim" });
  }
  for (const { reason, verdicts } of part.refused) {
    const what = plural(verdicts.length, "stage or metric", "stages and metrics");
    screen.paragraph(`not compared: ${what}: ${reason}`, {
      indent: 2,
      hanging: 4,
      tone: "caution",
    });
  }
}

function verdictRows(one: Verdict): Row[] {
  return [
    {
      label: `  ${metricText(one)}`,
      cells: [
        { text: bare(one.baseValue, one.unit), tone: "plain" },
        { text: bare(one.candidateValue, one.unit), tone: "strong" },
        { text: ratioText(one), tone: "strong" },
      ],
    },
    {
      label: `    ${one.verdict}`,
      tone: TONES[one.verdict],
      cells: [
        { text: bareSpan(sideSpan(one, "base"), one.unit, one.baseValue), tone: "dim" },
        { text: bareSpan(sideSpan(one, "candidate"), one.unit, one.candidateValue), tone: "dim" },
        { text: ratioSpan(one), tone: "dim" },
      ],
    },
  ];
}
