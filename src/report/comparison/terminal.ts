/** A comparison on a terminal: what could explain a change, then the changes. */
import type { Comparison } from "../../document/compare.ts";
import { commandLine } from "../../text/command-line.ts";
import { clip } from "../../text/printable.ts";
import { count, plural } from "../../text/units.ts";
import { foreignLines } from "../facts/foreign.ts";
import { PAPER } from "../terminal/run.ts";
import { type Row, right, Screen } from "../terminal/screen.ts";
import {
  accountText,
  beyondOf,
  commandsOf,
  metricText,
  type Part,
  partsOf,
  sideText,
  tally,
} from "./facts.ts";
import { hostNoise, noiseRows } from "./paired.ts";
import { writeDifferences, writePaired, writeVerdicts } from "./tables.ts";

const NARROWEST = 60;
const DIFFERENCES = 6;
const LISTED = 12;
const AT = { indent: 2, hanging: 4 };

export function renderComparisonTerminal(comparison: Comparison, options = PAPER): string {
  const screen = new Screen({ ...options, width: Math.max(NARROWEST, Math.floor(options.width)) });
  const parts = partsOf(comparison);
  for (const line of foreignLines(comparison)) {
    screen.paragraph(line, { tone: "alarm", hanging: 2 });
  }
  screen.paragraph(`bridgescope comparison with ${comparison.base.label}`, {
    tone: "strong",
    hanging: 2,
  });
  screen.paragraph(`base: ${sideText(comparison.base)}`, { tone: "dim", hanging: 2 });
  if (comparison.warnings.length > 0) screen.heading("Keep in mind");
  for (const warning of comparison.warnings) {
    screen.paragraph(`!  ${warning}`, { tone: "caution", hanging: 3 });
  }
  for (const part of parts) writePart(screen, part);
  screen.heading("To make it again");
  for (const argv of commandsOf(comparison)) screen.paragraph(commandLine(argv), AT);
  return screen.toString();
}

function writePart(screen: Screen, part: Part): void {
  screen.heading(`${part.side.label} against ${part.base.label}: ${tally(part)}`);
  screen.paragraph(`candidate: ${sideText(part.side)}`, { tone: "dim", hanging: 2 });
  writePaired(screen, part);
  screen.heading("What differs besides");
  writeDifferences(screen, part, DIFFERENCES);
  writeVerdicts(screen, part);
  writeNoise(screen, part);
  writeBeyond(screen, part);
  writeAccounts(screen, part);
  writeFunctions(screen, part);
  writeUnmatched(screen, part);
}

function writeNoise(screen: Screen, { sessions }: Part): void {
  const [first] = sessions;
  if (first === undefined) return;
  screen.heading("What disturbed each side");
  const rows = sessions.flatMap((one): Row[] => [
    { label: one.measurement > 1 ? `${one.case}, again` : one.case, cells: [] },
    ...noiseRows(one).map(
      ([title, ...sides]): Row => ({
        label: `  ${title}`,
        cells: sides.map((text) => ({ text, tone: "plain" as const })),
      }),
    ),
  ]);
  screen.table("case", right("base", "candidate"), rows);
  screen.paragraph(hostNoise(first), { indent: 2, hanging: 4, tone: "dim" });
}

function writeBeyond(screen: Screen, part: Part): void {
  if (part.counted.length + part.timed.length === 0) return;
  screen.heading("Changes beyond the intervals");
  const beyond = beyondOf(part);
  if (beyond.length === 0) screen.paragraph("none", { indent: 2, tone: "dim" });
  for (const { verdict, text } of beyond) {
    screen.paragraph(`${verdict.case} ${metricText(verdict)}: ${text}`, {
      ...AT,
      tone: verdict.verdict === "regression" ? "alarm" : "plain",
    });
  }
}

function writeAccounts(screen: Screen, part: Part): void {
  if (part.accounts.length === 0) return;
  screen.heading("What the bridge did with the frames");
  const same = part.accounts.filter((one) => one.state === "same").length;
  screen.paragraph(
    `the same decisions, copies and drops in ${count(same)} of ${plural(part.accounts.length, "case")}`,
    AT,
  );
  for (const one of part.accounts) {
    if (one.state === "same") continue;
    const text =
      one.state === "notObserved"
        ? "not observed on both sides"
        : one.differences.map(accountText).join("; ");
    screen.paragraph(`${one.case}: ${text}`, {
      ...AT,
      tone: one.state === "different" ? "caution" : "dim",
    });
  }
}

function writeFunctions(screen: Screen, part: Part): void {
  screen.heading("Functions on a frame's way");
  if (part.functions === null) {
    screen.paragraph("a run did not list them", { indent: 2, tone: "dim" });
    return;
  }
  if (part.functions.every(({ list }) => list.length === 0)) {
    screen.paragraph("none came, went, or is probed otherwise", { indent: 2, tone: "dim" });
  }
  for (const { title, list } of part.functions) {
    for (const one of list.slice(0, LISTED)) {
      screen.paragraph(clip(`${title}: ${one.name} (${one.base} -> ${one.inCandidate})`, 300), AT);
    }
    if (list.length > LISTED) {
      const more = `${title}: and ${count(list.length - LISTED)} more, all of them in compare.json`;
      screen.paragraph(more, { indent: 2, tone: "dim" });
    }
  }
}

function writeUnmatched(screen: Screen, part: Part): void {
  if (part.unmatched.length === 0) return;
  screen.heading("On one side only");
  for (const one of part.unmatched) {
    const what = one.metric === null ? one.case : `${one.case} ${one.metric}`;
    screen.paragraph(`${what}: only in the ${one.only}: ${one.reason}`, AT);
  }
}
