/** Why a bridge floods, as a person reads it. */
import type { Explanation, Finding } from "../../document/explain.ts";
import { PAPER } from "../terminal/run.ts";
import { type Column, cells, Screen } from "../terminal/screen.ts";
import {
  amountOf,
  basisOf,
  costOf,
  flowOf,
  KIND_WORDS,
  KINDS,
  NOT_LOOKED,
  noRemedyOf,
  portWords,
  seenOf,
  stateVerdict,
  thresholdsOf,
  victimsOf,
  whereOf,
  yesNo,
} from "./facts.ts";

const LEFT: Column[] = KIND_WORDS.map((title) => ({ title, align: "left" }));

export function renderExplanationTerminal(explanation: Explanation, options = PAPER): string {
  const screen = new Screen(options);
  const { notes, ports, findings } = explanation;
  const where = whereOf(explanation);
  if (explanation.probes) {
    screen.paragraph(`${where}: ${seenOf(explanation)}`, { tone: "strong" });
    screen.paragraph(`${thresholdsOf(explanation)} ${costOf(explanation)}`, { tone: "dim" });
    for (const [index, finding] of findings.entries()) flood(screen, index + 1, finding);
    screen.heading("What its state tells besides");
  }
  screen.paragraph(explanation.probes ? stateVerdict(notes) : `${where}: ${stateVerdict(notes)}`, {
    tone: explanation.probes ? "plain" : "strong",
  });
  if (!explanation.probes) {
    screen.paragraph(NOT_LOOKED, { tone: "dim" });
  }
  notes.forEach((note, index) => {
    screen.heading(`${index + 1}. ${note.cause ?? "note"}`);
    screen.paragraph(note.text, { indent: 2 });
    remedy(screen, note);
  });
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

function flood(screen: Screen, number: number, finding: Finding): void {
  const { ingressPort, victims, evidence, captures } = finding;
  const line = (text: string) => screen.paragraph(text, { indent: 2, hanging: 4 });
  screen.heading(`${number}. ${finding.cause}, ${finding.severity}`);
  line(finding.title);
  line(`flow: ${flowOf(finding)}`);
  if (ingressPort !== null) line(`in by: ${portWords(ingressPort)}, since ${finding.since}`);
  line(amountOf(finding));
  if (victims.length > 0) {
    line(`who got copies: ${victimsOf(finding)}`);
  }
  line(basisOf(finding));
  for (const text of evidence) line(`evidence: ${text}`);
  if (captures.length > 0) line(`first frames: ${captures.join(", ")}`);
  remedy(screen, finding);
}

function remedy(screen: Screen, told: Pick<Finding, "remedy" | "noRemedy">): void {
  const none = noRemedyOf(told);
  if (none !== "") screen.paragraph(none, { indent: 2 });
  if (told.remedy === null) return;
  const { command, effect, risk, undo, verify } = told.remedy;
  screen.paragraph("What would stop it:", { indent: 2 });
  screen.verbatim(command, 4);
  screen.paragraph(`effect: ${effect}`, { indent: 2, hanging: 4 });
  screen.paragraph(`risk: ${risk}`, { indent: 2, hanging: 4 });
  screen.paragraph("undo:", { indent: 2 });
  screen.verbatim(undo, 4);
  screen.paragraph(`verify: ${verify}`, { indent: 2, hanging: 4 });
}
