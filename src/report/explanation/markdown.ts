/** Why a bridge floods, for a ticket: the floods in the open, state and ports folded. */
import type { Explanation, Finding } from "../../document/explain.ts";
import { code, Markdown, md, pre, row, tableHead } from "../../text/markdown.ts";
import { assembled, type Section } from "../markdown/assemble.ts";
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
  whoseOf,
  yesNo,
} from "./facts.ts";

/** Under 60,000 bytes whatever the size of the explanation; what was left out is said. */
export function renderExplanationMarkdown(explanation: Explanation): string {
  return assembled(
    [title(explanation), about(explanation)],
    [floods(explanation), state(explanation), ports(explanation)],
    "see explain.html or explain.json",
  );
}

function title(explanation: Explanation): Markdown {
  const { bridge, findings, notes, probes } = explanation;
  const said = probes ? seenOf(explanation) : stateVerdict(notes);
  const head = md`## bridgescope: why ${code(bridge.name)} floods

${whereOf(explanation)}, ${explanation.time}.`;
  const kind = findings.length > 0 ? "CAUTION" : "NOTE";
  const lines = [
    md`> [!${new Markdown(kind)}]`,
    md`> **${said}**`,
    ...findings.map(
      (finding, index) => md`> - ${index + 1}. **${finding.cause}** ${finding.title}`,
    ),
  ];
  return new Markdown([head.text, "", ...lines.map(({ text }) => text)].join("\n"));
}

function about(explanation: Explanation): Markdown {
  return explanation.probes
    ? md`${thresholdsOf(explanation)} ${costOf(explanation)}`
    : md`${NOT_LOOKED}`;
}

function floods({ findings }: Explanation): Section {
  return {
    ...{ title: "Floods", folded: false, share: 20_000, head: null, note: null },
    rows: findings.map(flood),
  };
}

function flood(finding: Finding, index: number): Markdown {
  const { cause, severity, ingressPort, since, victims, evidence, captures } = finding;
  const facts = [
    md`- flow: ${flowOf(finding)}`,
    ...(ingressPort === null ? [] : [md`- in by: ${portWords(ingressPort)}, since ${since}`]),
    md`- ${amountOf(finding)}`,
    ...(victims.length === 0 ? [] : [md`- who got copies: ${victimsOf(finding)}`]),
    md`- ${basisOf(finding)}`,
    ...evidence.map((text) => md`- evidence: ${text}`),
    ...(captures.length === 0 ? [] : [md`- first frames: ${captures.join(", ")}`]),
  ];
  const lines = [
    md`#### ${index + 1}. ${cause}, ${severity}`,
    new Markdown(""),
    ...facts,
    ...remedyPart(finding),
    new Markdown(""),
  ];
  return new Markdown(lines.map(({ text }) => text).join("\n"));
}

function remedyPart(told: Pick<Finding, "remedy" | "noRemedy">): Markdown[] {
  const none = noRemedyOf(told);
  if (none !== "") return [md`\n${none}`];
  if (told.remedy === null) return [];
  const { command, effect, risk, undo, verify } = told.remedy;
  return [
    new Markdown("\nWhat would stop it:\n"),
    pre(command),
    md`\n- effect: ${effect}\n- risk: ${risk}\n- to verify: ${verify}\n\nTo take it back:\n`,
    pre(undo),
  ];
}

function state({ notes }: Explanation): Section {
  return {
    ...{ title: "What its state tells", folded: notes.length === 0, share: 8_000 },
    ...{ head: md`${stateVerdict(notes)}\n`, note: null },
    rows: notes.map((note, index) => {
      const lines = [
        md`#### ${index + 1}. ${note.cause ?? "note"}\n`,
        md`${note.text}`,
        ...remedyPart(note),
        new Markdown(""),
      ];
      return new Markdown(lines.map((line) => line.text).join("\n"));
    }),
  };
}

function ports({ ports: all }: Explanation): Section {
  return {
    ...{ title: "Which flooded frames a port gets", folded: true, share: 6_000, note: null },
    head: tableHead(["Port", "Whose", ...KIND_WORDS, "Why"], "llllll"),
    rows: all.map((port) =>
      row(
        code(port.name),
        whoseOf(port, "-"),
        ...KINDS.map((kind) => yesNo(port.gets[kind])),
        port.why.join("; "),
      ),
    ),
  };
}
