/** What the topologies were shown to do, each fact with how to see it again. */
import type { Check, Run } from "../../document/run.ts";
import { clip } from "../../text/printable.ts";
import { count } from "../../text/units.ts";
import { type Html, html, lines } from "./markup.ts";
import { code, fold, section, table } from "./parts.ts";

const LONGEST = 4000;
const LONGEST_PASSED = 300;

export function checksSection(run: Run): Html {
  const all = run.checks.map((check, index) => ({ check, index }));
  const failed = all.filter(({ check }) => !check.passed);
  const passed = all.filter(({ check }) => check.passed);
  const tone = failed.length > 0 ? "alarm" : "good";
  const rungs = [...new Set(passed.map(({ check }) => rungOf(check)))];
  return section("checks", "Checks", [
    html`<p class="${tone}"><strong>${count(passed.length)} passed, ${count(failed.length)} failed.</strong></p>`,
    ...failed.map(failure),
    ...rungs.map((rung) => passedOf(rung, passed)),
  ]);
}

interface Placed {
  readonly check: Check;
  readonly index: number;
}

function failure({ check, index }: Placed): Html {
  const { command, expected, observed } = check.evidence;
  return html`<article class="box alarm" id="checks-${index}"><h3>Failed: ${check.title}</h3><p>${code(check.id)}</p><dl><dt>Command</dt><dd><pre>${lines(clip(command, LONGEST))}</pre></dd><dt>Expected</dt><dd><pre>${lines(clip(expected, LONGEST))}</pre></dd><dt>Observed</dt><dd><pre>${lines(clip(observed, LONGEST))}</pre></dd></dl></article>
`;
}

function passedOf(rung: string, passed: readonly Placed[]): Html {
  const mine = passed.filter(({ check }) => rungOf(check) === rung);
  return fold({
    summary: html`<span class="good">passed</span> ${code(rung)}: ${count(mine.length)}`,
    body: table(
      `Checks that passed: ${rung}`,
      [{ title: "Fact" }, { title: "Command" }, { title: "Expected" }, { title: "Observed" }],
      mine.map(({ check, index }) => ({
        id: `checks-${index}`,
        cells: [
          { value: html`${check.title}<br>${code(check.id)}`, kind: "wide" as const },
          ...[check.evidence.command, check.evidence.expected, check.evidence.observed].map(
            (text) => ({ value: code(clip(text, LONGEST_PASSED)), kind: "wide" as const }),
          ),
        ],
      })),
    ),
  });
}

function rungOf(check: Check): string {
  return check.id.split("/")[0] ?? check.id;
}
