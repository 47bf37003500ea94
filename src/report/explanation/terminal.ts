/** Why a bridge floods or loses frames, as a person reads it. */
import type { Explanation, Finding, Note } from "../../document/explain.ts";
import { PAPER, type TerminalOptions } from "../terminal/run.ts";
import { type Column, cells, Screen } from "../terminal/screen.ts";
import {
  belowOf,
  costOf,
  factsOf,
  gradeOf,
  KIND_WORDS,
  KINDS,
  type Most,
  moreBelow,
  noRemedyOf,
  notLookedOf,
  seenOf,
  sizeOf,
  stateVerdict,
  thresholdsOf,
  whereOf,
  yesNo,
} from "./facts.ts";
import { hasJourney, journeyLines } from "./journey.ts";

export interface ExplanationOptions extends TerminalOptions {
  /** False for the answer alone: a screen of 30 lines for one finding, 12 without any. */
  full?: boolean;
  /** Without `full`: what comes after the first finding in a line each, as a terminal has no more room. */
  cut?: boolean;
}

const LEFT: Column[] = KIND_WORDS.map((title) => ({ title, align: "left" }));
/** How many there are of what matters least, and whether what it was held against is said. */
interface Room {
  most: number;
  thresholds: boolean;
}

const BRIEFER: readonly Room[] = [
  ...[3, 2, 1].map((most) => ({ most, thresholds: true })),
  ...[1, 0].map((most) => ({ most, thresholds: false })),
];
/** Lines without a finding, and with one. */
const QUIET = 12;
const SCREEN = 30;

export function renderExplanationTerminal(
  explanation: Explanation,
  options: ExplanationOptions = PAPER,
): string {
  if (hasJourney(explanation)) {
    const screen = new Screen(options);
    journeyLines(screen, explanation, options.full ?? true, (one) => remedy(screen, one));
    return screen.toString();
  }
  if (options.full ?? true) return full(explanation, options);
  const { findings, probes } = explanation;
  const lines = probes && findings.length === 0 ? QUIET : SCREEN;
  // What is told at length and what is not fit: less of what matters least.
  const texts = BRIEFER.map((room) => brief(explanation, options, room));
  const fits = texts.find((text) => text.split("\n").length <= lines + 1);
  const [longest = ""] = texts;
  return fits ?? (options.cut === true || findings.length === 1 ? (texts.at(-1) ?? "") : longest);
}

function full(explanation: Explanation, options: ExplanationOptions): string {
  const screen = new Screen(options);
  const { notes, ports, findings, below, probes } = explanation;
  const where = whereOf(explanation);
  if (probes) {
    screen.paragraph(`${where}: ${seenOf(explanation)}`, { tone: "strong" });
    screen.paragraph(`${thresholdsOf(explanation)} ${costOf(explanation)}`, { tone: "dim" });
    for (const index of findings.keys()) finding(screen, findings, index);
    if (below.length > 0) screen.heading("Below the thresholds");
    belowLines(screen, explanation, below.length, "");
    screen.heading("Notes");
  }
  screen.paragraph(probes ? stateVerdict(notes) : `${where}: ${stateVerdict(notes)}`, {
    tone: probes ? "plain" : "strong",
  });
  if (!probes) screen.paragraph(notLookedOf(explanation), { tone: "dim" });
  for (const [index, note] of notes.entries()) noteAt(screen, index + 1, note);
  screen.heading("Which flooded frames a port gets");
  screen.table(
    "port",
    LEFT,
    ports.map(({ name, gets }) => ({
      label: name,
      cells: cells(KINDS.map((kind) => yesNo(gets[kind]))),
    })),
  );
  for (const { name, why } of ports) {
    screen.paragraph(`${name}: ${why.join("; ")}`, { indent: 2, hanging: 4, tone: "dim" });
  }
  return screen.toString();
}

/** The answer first, and nothing twice. */
function brief(explanation: Explanation, options: ExplanationOptions, room: Room): string {
  const { most } = room;
  const screen = new Screen(options);
  const { notes, findings, probes } = explanation;
  const where = whereOf(explanation);
  const isLong = (index: number) => options.cut !== true || index === 0;
  if (!probes) {
    screen.paragraph(`${where}: ${stateVerdict(notes)}`, { tone: "strong" });
    screen.paragraph(notLookedOf(explanation), { tone: "dim" });
    for (const [index, note] of notes.entries()) {
      if (isLong(index)) noteAt(screen, index + 1, note);
      else screen.paragraph(`${index + 1}. ${note.cause ?? "note"}: ${note.text}`, { hanging: 3 });
    }
    rest(screen, explanation, [], { most: 0, thresholds: false });
    return screen.toString();
  }
  screen.paragraph(`${where}: ${seenOf(explanation)}`, { tone: "strong" });
  for (const [index, one] of findings.entries()) {
    if (isLong(index))
      // The first of a loss is how much of it there was.
      finding(screen, findings, index, {
        ...{ victims: 2 + 2 * most, evidence: (one.kind === "flood" ? 1 : 2) + most },
      });
    else screen.paragraph(`${index + 1}. ${inALine(one)}`, { hanging: 3 });
  }
  if (findings.length > 0) screen.verbatim("", 0);
  const seen = notes.filter(({ about }) => about === "frames");
  const shown = seen.slice(0, Math.max(1, most));
  for (const { text } of shown) screen.paragraph(text, { hanging: 2 });
  if (most > 0) belowLines(screen, explanation, most);
  rest(screen, explanation, shown, room);
  return screen.toString();
}

/** What there was to hold it against, and what is not told here. */
function rest(
  screen: Screen,
  explanation: Explanation,
  shown: readonly Note[],
  { most, thresholds }: Room,
): void {
  const { notes, probes, below, belowMore } = explanation;
  const left = probes ? notes.filter((note) => !shown.includes(note)) : [];
  const causes = [...new Set(left.flatMap(({ cause }) => cause ?? []))];
  const named = causes.length === 0 ? "" : ` (${causes.join(", ")})`;
  const few = below.length + belowMore;
  const words = [
    ...(left.length === 0
      ? []
      : [`${left.length === 1 ? "a note" : `${left.length} notes`}${named}`]),
    ...(thresholds || !probes
      ? []
      : [most > 0 ? "the thresholds" : `the thresholds and ${few} below them`]),
    "which flooded frames each port gets",
  ];
  const said = [
    ...(thresholds ? [thresholdsOf(explanation), costOf(explanation)] : []),
    `--full also shows ${words.join(", ")}.`,
  ];
  screen.paragraph(said.join(" "), { tone: "dim" });
}

function inALine(finding: Finding): string {
  return `${finding.cause}, ${gradeOf(finding)}: ${finding.title} (${sizeOf(finding)})`;
}

/** A cause and a remedy that an earlier one has too are told there. */
function finding(screen: Screen, findings: Finding[], index: number, most: Most = {}): void {
  const told = findings[index];
  if (told === undefined) return;
  const { cause, title } = told;
  const before = (same: (one: Finding) => boolean) => findings.slice(0, index).findIndex(same) + 1;
  const sameTitle = before((one) => one.cause === cause && one.title === title);
  const sameFix = before((one) => told.remedy !== null && sameRemedy(one, told));
  screen.heading(
    `${index + 1}. ${cause}, ${gradeOf(told)}: ${sameTitle === 0 ? title : `the same as ${sameTitle}`}`,
  );
  for (const [name, text] of factsOf(told, most)) labelled(screen, name, text);
  if (sameFix === 0) remedy(screen, told);
  else labelled(screen, "Fix", `that of ${sameFix}`);
}

function sameRemedy(one: Finding, { remedy }: Finding): boolean {
  return one.remedy?.command === remedy?.command && one.remedy?.effect === remedy?.effect;
}

function noteAt(screen: Screen, number: number, note: Note): void {
  screen.heading(`${number}. ${note.cause ?? "note"}`);
  screen.paragraph(note.text, { indent: 2 });
  remedy(screen, note);
}

function belowLines(
  screen: Screen,
  explanation: Explanation,
  most: number,
  prefix = "Below threshold: ",
): void {
  const shown = explanation.below.slice(0, most);
  for (const one of shown) screen.paragraph(`${prefix}${belowOf(one)}`, { indent: 2, hanging: 4 });
  const more = moreBelow(explanation, shown.length);
  if (more !== "") screen.paragraph(`${prefix}${more}`, { indent: 2 });
}

/** What is proposed, or why nothing is. */
export function remedy(screen: Screen, told: Pick<Finding, "remedy" | "noRemedy">): void {
  const none = noRemedyOf(told);
  if (none !== "") screen.paragraph(none, { indent: 2 });
  if (told.remedy === null) return;
  const { command, effect, risk, undo, verify } = told.remedy;
  labelled(screen, "Fix", effect);
  screen.verbatim(command, 4);
  labelled(screen, "Risk", risk);
  screen.paragraph("Undo:", { indent: 2 });
  screen.verbatim(undo, 4);
  screen.paragraph("Verify:", { indent: 2 });
  screen.verbatim(verify, 4);
}

function labelled(screen: Screen, name: string, text: string): void {
  screen.paragraph(`${name}: ${text}`, { indent: 2, hanging: 4 });
}
