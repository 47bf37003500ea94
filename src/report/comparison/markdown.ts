/** A comparison for a pull request: differences and changes in the open, the evidence folded. */
import type { Comparison, Verdict } from "../../document/compare.ts";
import { commandLine } from "../../text/command-line.ts";
import { code, Markdown, md, row, tableHead } from "../../text/markdown.ts";
import { bare, bareSpan, count, plural } from "../../text/units.ts";
import { foreignLines } from "../facts/foreign.ts";
import { assembled, type Section } from "../markdown/assemble.ts";
import {
  accountText,
  beyondOf,
  commandsOf,
  GROUP_WORDS,
  judged,
  KINDS,
  type Kind,
  metricText,
  noteOf,
  openQuestions,
  type Part,
  partsOf,
  ratioSpan,
  ratioText,
  sideSpan,
  sideText,
  tableTitle,
  tally,
  visibleText,
} from "./facts.ts";
import { headlineSentences, hostNoise, noiseRows, sessionSentences } from "./paired.ts";

const VERDICT_TITLES = [
  "Case",
  "Stage",
  "Base",
  "Interval",
  "Candidate",
  "Interval",
  "Ratio",
  "Interval",
  "Visible",
  "Verdict",
];
/** Differences of a group beyond these are folded. */
const OPEN = 4;
const CHANGES = 20;

/** Under 60,000 bytes whatever the size of the comparison; what was left out is said. */
export function renderComparisonMarkdown(comparison: Comparison): string {
  const parts = partsOf(comparison);
  const sections = parts.flatMap((part) => partSections(part, parts.length > 1));
  return assembled(
    [...foreign(comparison), title(comparison, parts), ...warnings(comparison)],
    [...sections, reproduce(comparison)],
    "see compare.html or compare.json",
  );
}

function foreign(comparison: Comparison): Markdown[] {
  return foreignLines(comparison).map((line) => md`**${line}**`);
}

function title({ base }: Comparison, parts: readonly Part[]): Markdown {
  const lines = parts.map(
    (part) =>
      md`- candidate ${code(part.side.label)}: ${sideText(part.side)}. **${tally(part)}**`.text,
  );
  const names = parts.map(({ side }) => code(side.label).text).join(", ");
  return new Markdown(
    [
      md`## bridgescope: ${new Markdown(names)} against ${code(base.label)}`.text,
      "",
      md`- base ${code(base.label)}: ${sideText(base)}`.text,
      ...lines,
    ].join("\n"),
  );
}

function warnings({ warnings: all }: Comparison): Markdown[] {
  if (all.length === 0) return [];
  const lines = all.map((text) => md`> - ${text}`.text);
  return [new Markdown(["> [!WARNING]", "> **Keep in mind**", ...lines].join("\n"))];
}

function partSections(part: Part, named: boolean): Section[] {
  const of = named ? ` (${part.side.label})` : "";
  return [
    paired(part, of),
    differences(part, of),
    ...KINDS.map((kind) => verdicts(part, kind, of)),
    reasons(part, of),
    noise(part, of),
    beyond(part, of),
    functions(part, of),
    unmatched(part, of),
    accounts(part, of),
  ];
}

/** A list whose title is ours but for the label of the candidate. */
function list(title: string, of: string, folded: boolean, rows: readonly Markdown[]): Section {
  return { title: md`${title}${of}`.text, folded, share: 2500, head: null, rows, note: null };
}

function paired(part: Part, of: string): Section {
  const rows = [
    ...headlineSentences(part).map(({ text }) => md`- ${text}`),
    ...sessionSentences(part).map((text) => md`- ${text}`),
  ];
  return list("Verdicts", of, false, rows);
}

function noise({ sessions }: Part, of: string): Section {
  const rows = sessions.flatMap((one) =>
    noiseRows(one).map(([title, ...sides]) =>
      row(code(one.case), one.measurement > 1 ? "again" : "first", title, ...sides),
    ),
  );
  const [first] = sessions;
  return {
    ...list("What disturbed each side", of, true, rows),
    head: tableHead(["Case", "Measurement", "What", "Base", "Candidate"], "lllrr"),
    note: first === undefined ? null : md`${hostNoise(first)}`,
  };
}

function differences(part: Part, of: string): Section {
  const rows = part.differences.flatMap(({ group, list: all }) => {
    const one = (index: number) => {
      const found = all[index];
      return found === undefined
        ? null
        : md`${found.name}: ${said(found.baseValue)} → ${said(found.candidateValue)}`;
    };
    const open = all.slice(0, OPEN).flatMap((_, index) => one(index) ?? []);
    const rest = all.slice(OPEN).flatMap((_, index) => one(OPEN + index) ?? []);
    const more =
      rest.length === 0
        ? []
        : [
            new Markdown(
              `  <details><summary>and ${count(rest.length)} more</summary>\n\n${rest.map((text) => `  - ${text.text}`).join("\n")}\n\n  </details>`,
            ),
          ];
    return [
      md`- **${GROUP_WORDS[group]}** (${count(all.length)})`,
      ...open.map((text) => new Markdown(`  - ${text.text}`)),
      ...more,
    ];
  });
  const none = md`Nothing that the documents keep differs besides.`;
  return list("What differs besides", of, false, rows.length === 0 ? [none] : rows);
}

function said(value: string | null): Markdown {
  return value === null ? md`absent` : code(value);
}

function verdicts(part: Part, kind: Kind, of: string): Section {
  const rows = part[kind].map((one) =>
    row(
      code(one.case),
      metricText(one),
      bare(one.baseValue, one.unit),
      bareSpan(sideSpan(one, "base"), one.unit, one.baseValue),
      bare(one.candidateValue, one.unit),
      bareSpan(sideSpan(one, "candidate"), one.unit, one.candidateValue),
      ratioText(one),
      ratioSpan(one),
      visibleText(one),
      verdictText(one),
    ),
  );
  return {
    title: md`${tableTitle(kind)}${of}`.text,
    folded: false,
    share: 12_000,
    head: tableHead(VERDICT_TITLES, "llrrrrrrrl"),
    rows,
    note: null,
  };
}

/** What the tables leave out, and why verdicts are open. */
function reasons(part: Part, of: string): Section {
  const note = noteOf(part);
  const rows = [
    ...(note === null ? [] : [md`- ${note}`]),
    ...openQuestions(part).map((text) => md`- ${text}`),
    ...part.refused.map(
      ({ reason, verdicts: all }) =>
        md`- not compared: ${plural(all.length, "stage or metric", "stages and metrics")}: ${reason}`,
    ),
  ];
  return list("How to read it", of, part.refused.length === 0, rows);
}

function verdictText({ verdict }: Verdict): Markdown {
  const strong = verdict === "regression" || verdict === "improvement";
  return strong ? md`**${verdict}**` : md`${verdict}`;
}

function beyond(part: Part, of: string): Section {
  const all = beyondOf(part);
  const rows = all
    .slice(0, CHANGES)
    .map(({ verdict, text }) => md`- ${code(verdict.case)} ${metricText(verdict)}: ${text}`);
  const more = all.length - rows.length;
  const none =
    judged(part).length > 0
      ? [md`None: every pair of intervals overlaps or lies within the margin.`]
      : [];
  return list("Changes beyond the intervals", of, false, [
    ...(rows.length === 0 ? none : rows),
    ...(more > 0 ? [md`- and ${count(more)} more in the table`] : []),
  ]);
}

function functions(part: Part, of: string): Section {
  const all = part.functions ?? [];
  const total = all.reduce((sum, one) => sum + one.list.length, 0);
  const rows = all.flatMap(({ title: how, list: changes }) =>
    changes.map((one) => row(how, code(one.name), one.base, one.inCandidate)),
  );
  const words = "Functions on a frame's way";
  if (part.functions === null) return list(words, of, true, [md`A run did not list them.`]);
  if (total === 0) return list(words, of, true, [md`None came, went, or is probed otherwise.`]);
  const counts = all.map((one) => `${count(one.list.length)} ${one.title}`).join(", ");
  return {
    ...list(`${words}: ${counts}`, of, true, rows),
    head: tableHead(["How", "Function", "Base", "Candidate"], "llll"),
  };
}

function unmatched(part: Part, of: string): Section {
  const rows = part.unmatched.map(
    (one) =>
      md`- ${code(one.case)} ${one.metric ?? "(the whole case)"}: only in the ${one.only}: ${one.reason}`,
  );
  return list(`On one side only: ${count(rows.length)}`, of, true, rows);
}

function accounts(part: Part, of: string): Section {
  const same = part.accounts.filter((one) => one.state === "same").length;
  const open = part.accounts.filter((one) => one.state === "different");
  const blind = part.accounts.filter((one) => one.state === "notObserved");
  const rows = [
    md`- the same decisions, copies and drops in ${count(same)} of ${plural(part.accounts.length, "case")}`,
    ...open.map((one) => md`- ${code(one.case)}: ${one.differences.map(accountText).join("; ")}`),
    ...(blind.length > 0
      ? [md`- not observed on both sides: ${plural(blind.length, "case")}`]
      : []),
  ];
  return list("What the bridge did with the frames", of, open.length === 0, rows);
}

function reproduce(comparison: Comparison): Section {
  const rows = commandsOf(comparison).map((argv) => md`- ${code(commandLine(argv), 1000)}`);
  return list("To make it again", "", false, rows);
}
