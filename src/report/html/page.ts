/** report.html: one file, no script, nothing fetched. */
import { createHash } from "node:crypto";
import type { Run } from "../../document/run.ts";
import { METHODS } from "../facts/words.ts";
import { count, duration, plural } from "../text/units.ts";
import { answerSection } from "./answer.ts";
import { booksSection } from "./books.ts";
import { checksSection } from "./checks.ts";
import { decisionsSection } from "./decisions.ts";
import { DETAILS, type Detail, LARGEST_PAGE } from "./detail.ts";
import { documentSection } from "./document.ts";
import { environmentSection } from "./environment.ts";
import { labSection } from "./lab.ts";
import { latencySection } from "./latency.ts";
import { Html, html } from "./markup.ts";
import { code, section } from "./parts.ts";
import { probeSection } from "./probe.ts";
import { roundsSection } from "./rounds.ts";
import { STYLE } from "./style.ts";

const NAV: readonly [string, string][] = [
  ["answer", "Answer"],
  ["lab", "Lab"],
  ["latency", "Latency"],
  ["decisions", "Decisions"],
  ["books", "Closure"],
  ["rounds", "Rounds"],
  ["checks", "Checks"],
  ["environment", "Environment"],
  ["probe", "Probe cost"],
  ["method", "Method"],
  ["document", "Document"],
];

/** Bytes of the page kept for the document itself, and for what is around the sections. */
const DOCUMENT_ROOM = 500_000;
const FRAME = 16_000;

/** The whole page as text, in as much detail as fits. */
export function renderHtml(run: Run): string {
  let page = new Html("");
  for (const detail of DETAILS) {
    page = body(run, detail);
    if (sizeOf(page) < LARGEST_PAGE - DOCUMENT_ROOM) break;
  }
  const document = documentSection(run, LARGEST_PAGE - FRAME - sizeOf(page));
  return html`<!DOCTYPE html>
<html lang="en">
${head(run)}
<body>
<a class="skip" href="#answer">To the answer</a>
${header(run)}
<nav aria-label="Contents"><ul>${NAV.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
<main>
${page}${document}</main>
<footer><p>Made by bridgescope ${run.provenance.version} from ${run.schema}. Colours are the Okabe-Ito palette, which colour-blind readers can tell apart; words and numbers say the same as every colour.</p></footer>
</body>
</html>
`.text;
}

function head(run: Run): Html {
  const hash = createHash("sha256").update(STYLE).digest("base64");
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'`;
  return html`<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>bridgescope ${run.id}: ${run.state}</title>
<style>${new Html(STYLE)}</style>
</head>`;
}

function body(run: Run, detail: Detail): Html {
  return html`${[
    answerSection(run),
    labSection(run, detail),
    latencySection(run, detail),
    decisionsSection(run, detail),
    booksSection(run, detail),
    roundsSection(run, detail),
    checksSection(run),
    environmentSection(run),
    probeSection(run),
    method(),
  ]}`;
}

function sizeOf(page: Html): number {
  return new TextEncoder().encode(page.text).length;
}

function header(run: Run): Html {
  const { kernel, cpu, clock } = run.environment;
  const tone = run.state === "complete" ? "good" : "alarm";
  const host = cpu.virtualization ?? "bare metal";
  const time = clock === "wall" ? "" : ", instruction-counted time";
  return html`<header><h1>bridgescope run ${code(run.id)} <span class="badge ${tone}">${run.state}</span></h1>
<p class="soft">Plan ${code(run.provenance.plan)}: ${plural(run.cases.length, "case")}, ${count(run.checks.length)} checks, ${duration(run.durationNs)} from ${run.startedAt}. Linux ${kernel.release}, ${cpu.model}, ${plural(cpu.online, "CPU")}, ${host}${time}.</p></header>`;
}

function method(): Html {
  const items = METHODS.map(({ term, text }) => html`<dt>${term}</dt><dd>${prose(text)}</dd>`);
  return section("method", "How each number is made", [html`<dl>${items}</dl>`]);
}

/** Our own words, where backticks mark code. */
function prose(text: string): Html {
  return html`${text.split("`").map((part, index) => (index % 2 === 1 ? code(part) : html`${part}`))}`;
}
