/**
 * A comparison for GitHub Actions: Markdown for the step's summary, and annotations as workflow
 * commands. Texts come from documents, so they are cleaned, then escaped as the runner reads them.
 */
import type { Comparison, Verdict } from "../../document/compare.ts";
import { HEADLINES } from "../../stats/compare/headlines.ts";
import { byteLength } from "../../text/markdown.ts";
import { clip, printable } from "../../text/printable.ts";
import { count } from "../../text/units.ts";
import { changeText, judged, metricText, type Part, partsOf, tally } from "./facts.ts";
import { renderComparisonMarkdown } from "./markdown.ts";

/** What a regression is gated on: an open verdict on anything else is no reason to warn. */
const GATED: readonly string[] = [...HEADLINES, "instructions_per_frame"];
/** GitHub shows ten of each kind for a step and leaves out the rest without a word. */
const EACH = 10;
const LONGEST = 400;
const FOLD_END = "</details>";
const SHORTENED =
  "**Shortened, for GitHub takes 1 MiB of summary a step:** the whole is in compare.html, compare.md and compare.json.";

/**
 * The Markdown of the comparison in at most `room` bytes; where it has to be shortened it ends after
 * a whole line, and says so. Empty where there is no room even for that.
 */
export function githubSummary(comparison: Comparison, room: number): string {
  const whole = `${renderComparisonMarkdown(comparison)}\n`;
  if (byteLength(whole) <= room) return whole;
  const end = `\n\n${SHORTENED}\n\n`;
  const lines = linesWithin(whole.split("\n"), room - byteLength(end));
  const text = `${lines.join("\n")}${end}`;
  return byteLength(text) <= room ? text : "";
}

/** One workflow command a line: regressions are errors, improvements notices, and open headlines warnings. */
export function githubAnnotations(comparison: Comparison): string {
  const parts = partsOf(comparison);
  const all = parts.flatMap(judged);
  const said = (wanted: (one: Verdict) => boolean) =>
    all.filter(wanted).map((one) => verdictText(one, parts.length > 1));
  const commands = [
    ...annotations(
      "error",
      "regression",
      said(({ verdict }) => verdict === "regression"),
    ),
    ...annotations("warning", "inconclusive", [
      ...parts.filter((part) => judged(part).length === 0).map(nothingText),
      ...said(({ verdict, metric }) => verdict === "inconclusive" && GATED.includes(metric)),
    ]),
    ...annotations(
      "notice",
      "improvement",
      said(({ verdict }) => verdict === "improvement"),
    ),
  ];
  return commands.map((line) => `${line}\n`).join("");
}

function annotations(kind: string, title: string, texts: readonly string[]): string[] {
  const shown = texts.length > EACH ? texts.slice(0, EACH - 1) : texts;
  const left = texts.length - shown.length;
  const more = left > 0 ? [`and ${count(left)} more: the summary of this step has them`] : [];
  return [...shown, ...more].map(
    (text) => `::${kind} title=${property(`bridgescope: ${title}`)}::${data(text)}`,
  );
}

function verdictText(one: Verdict, named: boolean): string {
  const of = named ? `${one.candidate}: ` : "";
  const why = one.verdict === "inconclusive" ? `: ${one.reason}` : "";
  return `${of}${one.case} ${metricText(one)}: ${changeText(one)}${why}`;
}

function nothingText(part: Part): string {
  const [first] = part.refused;
  const why = first === undefined ? "no case, stage or metric is in both" : first.reason;
  return `${part.side.label}: ${tally(part)}: ${why}`;
}

/** As `@actions/core` escapes a message. */
function data(text: string): string {
  return clip(printable(text), LONGEST)
    .replaceAll("%", "%25")
    .replaceAll("\r", "%0D")
    .replaceAll("\n", "%0A");
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/** As many lines from the start as fit, and the ends of the folds that they leave open. */
function linesWithin(lines: readonly string[], room: number): string[] {
  const kept: string[] = [];
  let [size, open] = [0, 0];
  for (const line of lines) {
    const after = open + times(line, "<details>") - times(line, FOLD_END);
    size += byteLength(line) + 1;
    if (size + after * (FOLD_END.length + 1) > room) break;
    kept.push(line);
    open = after;
  }
  return [...kept, ...Array<string>(open).fill(FOLD_END)];
}

function times(text: string, word: string): number {
  return text.split(word).length - 1;
}
