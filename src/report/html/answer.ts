/** The first screen: what to settle, what was found, and every case in one table. */
import type { Case, Run } from "../../document/run.ts";
import { clip } from "../../text/printable.ts";
import { bare, count, digits, plural, spanLike } from "../../text/units.ts";
import { booksOf } from "../facts/books.ts";
import { digest, type Finding, findingsOf } from "../facts/findings.ts";
import { headlineOf } from "../facts/latency.ts";
import { marksOf } from "../facts/marks.ts";
import { headlinesOf, type Series } from "../facts/metrics.ts";
import { COUNTED_SENTENCE, SPREAD_WORDS } from "../facts/words.ts";
import { anchorOf } from "./anchors.ts";
import { type Html, html, px } from "./markup.ts";
import { code, right, section, type TableCell, table, withInterval } from "./parts.ts";
import { searchesPart } from "./searches.ts";

const ALARMS = 12;
const CAUTIONS = 3;
const RESULTS = 8;

export function answerSection(run: Run): Html {
  const all = findingsOf(run);
  const level = (name: Finding["level"]) => all.filter((finding) => finding.level === name);
  return section("answer", "The answer", [
    alarms(run, level("alarm")),
    results(level("result")),
    cautions(level("caution")),
    html`<h3>Every case</h3>`,
    caseTable(run),
    searchesPart(run),
  ]);
}

function alarms(run: Run, findings: readonly Finding[]): Html {
  if (findings.length > 0) {
    const { shown, left } = digest(findings, ALARMS);
    const more = left.map(
      (one) => html`<li><strong>${one.kind}</strong> ${count(one.count)} more</li>`,
    );
    return html`<div class="box alarm" role="alert"><h3>Settle first: ${count(findings.length)} ${findings.length === 1 ? "thing" : "things"} without which the numbers do not count</h3><ul>${shown.map(item)}${more}</ul></div>`;
  }
  if (run.cases.length === 0) {
    const other = run.slopes ?? run.truth;
    return other === undefined ? html`<p>No case was measured.</p>` : html``;
  }
  const cases =
    run.cases.length === 1 ? "The one case is" : `All ${plural(run.cases.length, "case")} are`;
  const checks =
    run.checks.length === 0
      ? "no check was recorded"
      : `${plural(run.checks.length, "check")} passed`;
  const books = run.cases.every((one) => one.bridge === undefined)
    ? "no bridge was observed"
    : "the books balance wherever a bridge was observed";
  return html`<div class="box good"><p><strong class="good">Sound.</strong> ${cases} complete, ${checks}, ${books}${timeChecks(run)}.</p></div>`;
}

/** Where none failed. */
function timeChecks(run: Run): string {
  const known = run.cases.flatMap(({ timeCheck }) => timeCheck ?? []);
  if (known.length === 0) return "";
  const passed = known.filter((one) => one.passed === true).length;
  return `, ${count(passed)} of ${plural(known.length, "time check")} passed and none failed`;
}

function results(findings: readonly Finding[]): Html {
  if (findings.length === 0) return html`<p>No case gave a result.</p>`;
  const { shown, left } = digest(findings, RESULTS);
  const more = left.map(
    (one) => html`<li class="soft">${count(one.count)} more in the table below.</li>`,
  );
  return html`<ul class="answer">${shown.map(item)}${more}</ul>`;
}

function cautions(findings: readonly Finding[]): Html {
  if (findings.length === 0) return html``;
  const { shown, left } = digest(findings, CAUTIONS);
  const more = left.map((one) => html`<li>${one.kind}: ${count(one.count)} more</li>`);
  return html`<div class="box caution"><h3>Keep in mind</h3><ul>${shown.map(item)}${more}</ul></div>`;
}

function item(finding: Finding): Html {
  const kind = finding.level === "result" ? null : html`<strong>${finding.kind}</strong>${" "}`;
  const about = finding.about === null ? null : html`${code(finding.about)}: `;
  return html`<li>${kind}${about}${finding.text} <a href="#${anchorOf(finding.evidence)}" aria-label="evidence: ${finding.kind} ${finding.about ?? ""}">evidence</a></li>
`;
}

function caseTable(run: Run): Html {
  const counted = run.environment.clock === "icount";
  const stageTitle = (name: string) => `${name}, net ${counted ? "mode" : "mean"}`;
  const head = [
    { title: "Case" },
    { title: "Books" },
    { title: "Metric" },
    { title: "Median, quartiles", align: "right" as const },
    { title: "Rounds", align: "right" as const },
    { title: "Samples" },
    { title: stageTitle("Forward"), align: "right" as const },
    { title: stageTitle("Flood"), align: "right" as const },
    { title: "Amplification", align: "right" as const },
  ];
  return table(
    `${counted ? `${COUNTED_SENTENCE} ` : ""}${SPREAD_WORDS}; quartiles in the unit of the median; samples in the order of the rounds, between their own least and most`,
    head,
    run.cases.map((one, index) => ({ cells: caseCells(run, one, index) })),
  );
}

function caseCells(run: Run, one: Case, index: number): (TableCell | Html)[] {
  const series = headlinesOf(one)[0];
  const state =
    one.state === "complete" ? null : html` <span class="badge alarm">${one.state}</span>`;
  const name = html`<a href="#rounds-${index}">${code(one.id)}</a>${state}`;
  const amplification = one.bridge?.amplification ?? null;
  return [
    name,
    html`<a href="#books-${index}">${booksBadge(one)}</a>`,
    ...metricCells(series, series === undefined ? [] : marksOf(run, one, series, true)),
    right(stage(one, "bridge.forward")),
    right(stage(one, "bridge.flood")),
    right(amplification === null ? "" : digits(amplification)),
  ];
}

function metricCells(series: Series | undefined, marks: readonly string[]): (TableCell | Html)[] {
  const spread = series?.spread ?? null;
  if (series === undefined || spread === null) {
    return [html`none`, right("-"), right(0), html``];
  }
  const badges = marks.map((mark) => html` <span class="badge caution">${mark}</span>`);
  return [
    html`<span class="n">${code(clip(series.metric, 24))}</span>${badges}`,
    withInterval(
      bare(spread.median, series.unit),
      spanLike(spread.q1, spread.q3, series.unit, spread.median),
    ),
    right(spread.n),
    mini(series),
  ];
}

function booksBadge(one: Case): Html {
  const { state } = booksOf(one);
  if (state === "unbalanced") return html`<strong class="alarm n">do not balance</strong>`;
  if (state === "notObserved") return html`<span class="soft">not kept</span>`;
  return html`<span class="good n">${state === "partly" ? "in part" : "balance"}</span>`;
}

function stage(one: Case, name: "bridge.forward" | "bridge.flood"): string {
  const latency = one.latency[name];
  if (latency === undefined || latency.sampled === 0) return "";
  const headline = headlineOf(latency);
  if (headline === null) return "withheld";
  const median = headline.words === "median" ? " (median)" : "";
  return `${bare(headline.value, latency.unit)}${median}`;
}

function mini(series: Series): Html {
  const values = series.samples.filter((one) => one.discarded === null).map((one) => one.value);
  const low = Math.min(...values);
  const size = Math.max(...values) - low || 1;
  const step = 102 / Math.max(1, values.length - 1);
  const path = values
    .map((value, index) => `M${px(4 + index * step)} ${px(17 - ((value - low) / size) * 14)}h0`)
    .join("");
  return html`<svg class="mini" viewBox="0 0 110 20" aria-hidden="true"><path class="dots" d="${path}"/></svg>`;
}
