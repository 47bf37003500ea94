/** Why a bridge floods or loses frames, for a ticket: the findings in the open, state and ports folded. */
import type { Explanation, Finding } from "../../document/explain.ts";
import type { JourneyDirection } from "../../document/journey.ts";
import { code, Markdown, md, pre, row, tableHead } from "../../text/markdown.ts";
import { count } from "../../text/units.ts";
import { assembled, type Section } from "../markdown/assemble.ts";
import {
  belowOf,
  costOf,
  factsOf,
  gradeOf,
  KIND_WORDS,
  KINDS,
  moreBelow,
  noRemedyOf,
  notLookedOf,
  seenOf,
  sizeOf,
  stateVerdict,
  thresholdsOf,
  whereOf,
  whoseOf,
  yesNo,
} from "./facts.ts";
import {
  besides,
  hasJourney,
  hopRows,
  type JourneyTold,
  journeyAbout,
  ruleLines,
  seenDirections,
} from "./journey.ts";

/** Under 60,000 bytes whatever the size of the explanation; what was left out is said. */
export function renderExplanationMarkdown(explanation: Explanation): string {
  const sections = hasJourney(explanation)
    ? [
        ...seenDirections(explanation.journey).map(direction),
        rules(explanation),
        { ...findings(explanation), title: "What was lost" },
        journeyNotes(explanation),
      ]
    : [findings(explanation), below(explanation), notes(explanation), ports(explanation)];
  return assembled(
    [title(explanation), about(explanation)],
    sections,
    "see explain.html or explain.json",
  );
}

function title(explanation: Explanation): Markdown {
  const { bridge, findings, notes, probes } = explanation;
  const isFlow = hasJourney(explanation);
  const seen = probes ? seenOf(explanation) : stateVerdict(notes);
  const said = isFlow ? explanation.journey.verdict : seen;
  const what = isFlow
    ? md`from ${code(explanation.journey.from.asked)} to ${code(explanation.journey.to.asked)} over ${code(bridge.name)}`
    : md`what ${code(bridge.name)} floods or loses, and why`;
  const head = md`## bridgescope: ${what}

${whereOf(explanation)}, ${explanation.time}.`;
  const kind = findings.some((one) => one.kind !== "policy") ? "CAUTION" : "NOTE";
  const lines = [
    md`> [!${new Markdown(kind)}]`,
    md`> **${said}**`,
    ...findings.map(
      (one, index) => md`> - ${index + 1}. **${one.cause}**, ${gradeOf(one)}, ${sizeOf(one)}`,
    ),
  ];
  return new Markdown([head.text, "", ...lines.map(({ text }) => text)].join("\n"));
}

function about(explanation: Explanation): Markdown {
  if (hasJourney(explanation)) {
    const { elsewhere } = explanation.journey;
    return md`${journeyAbout(explanation)}.${elsewhere === null ? "" : ` Besides, ${elsewhere}.`}`;
  }
  return explanation.probes
    ? md`${thresholdsOf(explanation)} ${costOf(explanation)}`
    : md`${notLookedOf(explanation)}`;
}

function direction(one: JourneyDirection, index: number): Section {
  const hops = hopRows(one);
  return {
    ...{ title: md`${one.from} → ${one.to}`.text, folded: false, share: 4_000, note: null },
    head: hops.length === 0 ? null : tableHead(["Hop", "Frames", "Median", "Max"], "lrrr"),
    rows: [
      ...hops.map(({ label, frames, times }) => row(label, count(frames), ...times)),
      md`\n${besides(one, index)}`,
    ],
  };
}

function rules({ journey }: JourneyTold): Section {
  return {
    ...{ title: "Rules", folded: false, share: 4_000, head: null, note: null },
    rows: ruleLines(journey.rules ?? [], true).map((text) => md`- ${text}`),
  };
}

function journeyNotes({ notes }: JourneyTold): Section {
  return {
    ...{ title: "Notes", folded: false, share: 4_000, head: null, note: null },
    rows: notes.map(({ text }) => md`- ${text}`),
  };
}

function findings({ findings: all }: Explanation): Section {
  return {
    ...{ title: "Above threshold", folded: false, share: 20_000, head: null, note: null },
    rows: all.map(finding),
  };
}

function finding(told: Finding, index: number): Markdown {
  const { cause, title } = told;
  const lines = [
    md`#### ${index + 1}. ${cause}, ${gradeOf(told)}`,
    md`\n${title}\n`,
    ...factsOf(told).map(([name, text]) => md`- ${name}: ${text}`),
    ...remedyPart(told),
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
    md`\nFix: ${effect}\n`,
    pre(command),
    md`\nRisk: ${risk}\n\nUndo:\n`,
    pre(undo),
    md`\nVerify (it fails until that is done):\n`,
    pre(verify),
  ];
}

function below(explanation: Explanation): Section {
  const more = moreBelow(explanation);
  return {
    ...{ title: "Below the thresholds", folded: true, share: 4_000, note: null },
    ...{ head: explanation.below.length === 0 ? md`nothing` : null },
    rows: [...explanation.below.map(belowOf), ...(more === "" ? [] : [more])].map(
      (text) => md`- ${text}`,
    ),
  };
}

function notes({ notes }: Explanation): Section {
  return {
    ...{ title: "Notes", folded: notes.length === 0, share: 8_000 },
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
