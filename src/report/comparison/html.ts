/** compare.html: one file, nothing fetched, in the manner of a run's page. */
import type { Comparison, Verdict } from "../../document/compare.ts";
import { commandLine } from "../../text/command-line.ts";
import { bare, bareSpan, count, plural } from "../../text/units.ts";
import { foreignLines } from "../facts/foreign.ts";
import { COUNTED_METHODS } from "../facts/words.ts";
import { type Html, html } from "../html/markup.ts";
import { code, fold, right, section, table, withInterval } from "../html/parts.ts";
import { methodSection, pageText } from "../html/shell.ts";
import { distributionsPart } from "./distributions.ts";
import {
  accountText,
  beyondOf,
  commandsOf,
  GROUP_WORDS,
  KINDS,
  type Kind,
  metricText,
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
import { forest, stagesByKernel } from "./figures.ts";
import { COMPARISON_METHODS, PAIRED_METHODS } from "./methods.ts";
import { headlineSentences, hostNoise, noiseRows, sessionSentences } from "./paired.ts";

/** Rows of a group of differences that are open. */
const OPEN = 8;
const CHANGES = 30;

const NAV = [
  ["answer", "Answer"],
  ["differences", "What differs"],
  ["numbers", "Stages"],
  ["kernels", "By kernel"],
  ["distributions", "Distributions"],
  ["accounts", "Decisions"],
  ["functions", "Functions"],
  ["unmatched", "One side only"],
  ["reproduce", "Again"],
  ["method", "Method"],
  ["document", "Document"],
] as const;

export function renderComparisonHtml(comparison: Comparison): string {
  const parts = partsOf(comparison);
  const methods = [
    ...(comparison.sessions === undefined ? [] : PAIRED_METHODS),
    ...COMPARISON_METHODS,
    ...(comparison.clock === "icount" ? COUNTED_METHODS : []),
  ];
  const body = html`${[
    answer(comparison, parts),
    section("differences", "What differs besides the kernel's version", parts.map(differences)),
    section("numbers", "Case by case and stage by stage", parts.map(numbers)),
    section("kernels", "Instructions per stage, by kernel", [byKernel(comparison)]),
    section("distributions", "Distributions by stage and side", distributionsPart(comparison)),
    section("accounts", "What the bridge did with the frames", parts.map(accounts)),
    section("functions", "Functions on a frame's way", parts.map(functions)),
    section("unmatched", "Cases, stages and metrics of one side only", parts.map(unmatched)),
    section("reproduce", "To make it again", [
      html`<ul>${commandsOf(comparison).map((argv) => html`<li>${code(commandLine(argv))}</li>`)}</ul>`,
    ]),
    methodSection(methods),
  ]}`;
  const names = comparison.candidates.map((side) => side.label).join(", ");
  return pageText({
    title: `bridgescope: ${names} against ${comparison.base.label}`,
    header: header(comparison),
    nav: NAV,
    body,
    document: { name: "compare", value: comparison },
    origin: `bridgescope from ${comparison.schema}`,
  });
}

function header(comparison: Comparison): Html {
  const { base, candidates } = comparison;
  const foreign = foreignLines(comparison).map(
    (line) => html`<p class="box alarm" role="alert">${line}</p>`,
  );
  const names = candidates.map((side, index) => html`${index > 0 ? ", " : ""}${code(side.label)}`);
  const list = [base, ...candidates].map(
    (side, index) =>
      html`<dt>${index === 0 ? "base" : "candidate"} ${code(side.label)}</dt><dd>${sideText(side)}</dd>`,
  );
  return html`<header>${foreign}<h1>bridgescope: ${names} against ${code(base.label)}</h1>
<dl class="kv">${list}</dl></header>`;
}

function answer({ warnings }: Comparison, parts: readonly Part[]): Html {
  const box =
    warnings.length === 0
      ? html``
      : html`<div class="box caution"><h3>Keep in mind</h3><ul>${warnings.map((text) => html`<li>${text}</li>`)}</ul></div>`;
  const found = parts.map((part, index) => {
    const all = beyondOf(part);
    const items = all
      .slice(0, CHANGES)
      .map(
        ({ verdict, text }) => html`<li>${code(verdict.case)} ${metricText(verdict)}: ${text}</li>`,
      );
    const more = all.length - items.length;
    const sentences = [
      ...headlineSentences(part).map(({ text }) => text),
      ...sessionSentences(part),
    ].map((text) => html`<li>${text}</li>`);
    return html`<h3>${code(part.side.label)}: <a href="#numbers-${index}">${tally(part)}</a></h3>${
      sentences.length === 0 ? null : html`<ul class="answer">${sentences}</ul>`
    }${
      items.length === 0
        ? html`<p>No change is beyond the intervals.</p>`
        : html`<ul class="answer">${items}${more > 0 ? html`<li class="soft">${count(more)} more in the table.</li>` : null}</ul>`
    }`;
  });
  return section("answer", "The answer", [box, ...found]);
}

function differences(part: Part): Html {
  if (part.differences.length === 0) {
    return html`<h3>${code(part.side.label)}</h3><p>Nothing that the documents keep differs.</p>`;
  }
  const groups = part.differences.map(({ group, list }) => {
    const words = `${GROUP_WORDS[group]}: ${plural(list.length, "difference")}`;
    return fold({
      summary: words,
      open: list.length <= OPEN,
      body: table(
        words,
        [{ title: "What" }, { title: part.base.label }, { title: part.side.label }],
        list.map((one) => ({
          cells: [
            code(one.name),
            ...[one.baseValue, one.candidateValue].map((value) => ({
              value: value === null ? html`<span class="soft">absent</span>` : code(value),
              kind: "wide" as const,
            })),
          ],
        })),
      ),
    });
  });
  return html`<h3>${code(part.side.label)}</h3>${groups}`;
}

function numbers(part: Part, index: number): Html {
  const tables = KINDS.flatMap((kind) =>
    part[kind].length === 0
      ? []
      : [
          forest(
            `forest-${index}-${kind}`,
            `Ratios of ${part.side.label} to ${part.base.label}`,
            part[kind],
            kind,
          ),
          verdictTable(part, kind),
        ],
  );
  const refused = part.refused.map(
    ({ reason, verdicts }) =>
      html`<p class="caution">Not compared: ${plural(verdicts.length, "stage or metric", "stages and metrics")}: ${reason}.</p>`,
  );
  return html`<h3 id="numbers-${index}">${code(part.side.label)} against ${code(part.base.label)}: ${tally(part)}</h3>${tables}${noise(part)}${refused}`;
}

function noise({ sessions }: Part): Html {
  const [first] = sessions;
  if (first === undefined) return html``;
  return html`${table(
    "What disturbed each side",
    [
      { title: "Case" },
      { title: "Measurement" },
      { title: "What" },
      { title: "Base", align: "right" },
      { title: "Candidate", align: "right" },
    ],
    sessions.flatMap((one) =>
      noiseRows(one).map(([title, base, candidate]) => ({
        cells: [
          code(one.case),
          one.measurement > 1 ? "again" : "first",
          title,
          right(base),
          right(candidate),
        ],
      })),
    ),
  )}<p>${hostNoise(first)}</p>`;
}

function verdictTable(part: Part, kind: Kind): Html {
  return table(
    `${tableTitle(kind)}; below each value its interval`,
    [
      { title: "Case, stage, verdict" },
      ...["Base", "Candidate", "Ratio", "Visible"].map((title) => ({
        title,
        align: "right" as const,
      })),
      { title: "Why" },
    ],
    part[kind].map((one) => ({
      cells: [
        html`${code(one.case)}<br>${metricText(one)}<br>${verdictBadge(one)}`,
        withInterval(
          bare(one.baseValue, one.unit),
          bareSpan(sideSpan(one, "base"), one.unit, one.baseValue),
        ),
        withInterval(
          bare(one.candidateValue, one.unit),
          bareSpan(sideSpan(one, "candidate"), one.unit, one.candidateValue),
        ),
        withInterval(ratioText(one), ratioSpan(one)),
        right(visibleText(one)),
        { value: one.reason, kind: "wide" as const },
      ],
    })),
  );
}

function verdictBadge({ verdict }: Verdict): Html {
  const tone =
    verdict === "regression"
      ? "alarm"
      : verdict === "improvement"
        ? "good"
        : verdict === "unchanged"
          ? "soft"
          : "caution";
  return html`<span class="${tone} n">${verdict}</span>`;
}

function byKernel(comparison: Comparison): Html {
  const drawn = stagesByKernel(comparison);
  return drawn.text === "" ? html`<p>Nothing was counted in instructions.</p>` : drawn;
}

function accounts(part: Part): Html {
  const rows = part.accounts.map((one) => ({
    cells: [
      code(one.case),
      one.state === "notObserved" ? "not observed on both sides" : one.state,
      { value: one.differences.map(accountText).join("; "), kind: "wide" as const },
    ],
  }));
  if (rows.length === 0) return html`<p>${code(part.side.label)}: no case is in both runs.</p>`;
  return table(
    `Decisions, copies, drops and books: ${part.base.label} and ${part.side.label}`,
    [{ title: "Case" }, { title: "Decisions and copies" }, { title: "Base to candidate" }],
    rows,
  );
}

function functions(part: Part): Html {
  const label = code(part.side.label);
  if (part.functions === null) return html`<p>${label}: a run did not list them.</p>`;
  const rows = part.functions.flatMap(({ title, list }) =>
    list.map((one) => ({
      cells: [
        code(one.name),
        title,
        { value: one.base, kind: "wide" as const },
        { value: one.inCandidate, kind: "wide" as const },
      ],
    })),
  );
  if (rows.length === 0) return html`<p>${label}: none came, went, or is probed otherwise.</p>`;
  return table(
    `Functions: ${part.base.label} and ${part.side.label}`,
    [{ title: "Function" }, { title: "How" }, { title: "Base" }, { title: "Candidate" }],
    rows,
  );
}

function unmatched(part: Part): Html {
  if (part.unmatched.length === 0) {
    return html`<p>${code(part.side.label)}: both sides have the same cases, stages and metrics.</p>`;
  }
  return table(
    `On one side only: ${part.base.label} and ${part.side.label}`,
    [{ title: "Case" }, { title: "Stage or metric" }, { title: "Only in" }, { title: "Why" }],
    part.unmatched.map((one) => ({
      cells: [
        code(one.case),
        one.metric ?? "the whole case",
        one.only,
        { value: one.reason, kind: "wide" as const },
      ],
    })),
  );
}
