/** report.html: one file, nothing fetched. */
import { sealed } from "../../document/integrity.ts";
import type { Run } from "../../document/run.ts";
import { count, duration, plural } from "../../text/units.ts";
import { foreignLine } from "../facts/foreign.ts";
import { roundTripsIn } from "../facts/round-trip.ts";
import { CLOCK_WORDS, COUNTED_METHODS, METHODS } from "../facts/words.ts";
import { answerSection } from "./answer.ts";
import { booksSection } from "./books.ts";
import { checksSection } from "./checks.ts";
import { decisionsSection } from "./decisions.ts";
import { DETAILS, type Detail, LARGEST_PAGE } from "./detail.ts";
import { environmentSection } from "./environment.ts";
import { labSection } from "./lab.ts";
import { latencySection } from "./latency.ts";
import { Html, html } from "./markup.ts";
import { code } from "./parts.ts";
import { probeSection } from "./probe.ts";
import { roundTripSection } from "./round-trip.ts";
import { roundsSection } from "./rounds.ts";
import { methodSection, pageText, sizeOf } from "./shell.ts";
import { slopesSection } from "./slopes.ts";
import { truthSection } from "./truth.ts";

const NAV: readonly [string, string][] = [
  ["answer", "Answer"],
  ["lab", "Lab"],
  ["slopes", "What one more costs"],
  ["truth", "Truth"],
  ["latency", "Latency"],
  ["round-trip", "Round trips"],
  ["decisions", "Decisions"],
  ["books", "Closure"],
  ["rounds", "Rounds"],
  ["checks", "Checks"],
  ["environment", "Environment"],
  ["probe", "Probe cost"],
  ["method", "Method"],
  ["document", "Document"],
];

/** Bytes of the page kept for the document itself. */
const DOCUMENT_ROOM = 500_000;

/** The whole page as text, in as much detail as fits. */
export function renderHtml(run: Run): string {
  let page = new Html("");
  for (const detail of DETAILS) {
    page = body(run, detail);
    if (sizeOf(page) < LARGEST_PAGE - DOCUMENT_ROOM) break;
  }
  const absent = new Set([
    ...(run.slopes === undefined ? ["slopes"] : []),
    ...(run.truth === undefined ? ["truth"] : []),
    ...(roundTripsIn(run).length === 0 ? ["round-trip"] : []),
  ]);
  return pageText({
    title: `bridgescope ${run.id}: ${run.state}`,
    header: header(run),
    nav: NAV.filter(([id]) => !absent.has(id)),
    body: page,
    document: { name: "run", value: sealed(run) },
    origin: `bridgescope ${run.provenance.version} from ${run.schema}`,
  });
}

function body(run: Run, detail: Detail): Html {
  const trips = roundTripSection(run, detail);
  return html`${[
    answerSection(run),
    labSection(run, detail),
    slopesSection(run),
    truthSection(run),
    latencySection(run, detail),
    ...(trips === null ? [] : [trips]),
    decisionsSection(run, detail),
    booksSection(run, detail),
    roundsSection(run, detail),
    checksSection(run),
    environmentSection(run),
    probeSection(run),
    methodSection(run.environment.clock === "icount" ? [...COUNTED_METHODS, ...METHODS] : METHODS),
  ]}`;
}

function foreignBox(run: Run): Html | null {
  const line = foreignLine(run);
  return line === null ? null : html`<p class="box alarm" role="alert">${line}</p>`;
}

function header(run: Run): Html {
  const { kernel, cpu, clock } = run.environment;
  const tone = run.state === "complete" ? "good" : "alarm";
  const host = cpu.virtualization ?? "bare metal";
  const time = clock === "wall" ? "" : `, ${CLOCK_WORDS.icount}`;
  return html`<header>${foreignBox(run)}<h1>bridgescope run ${code(run.id)} <span class="badge ${tone}">${run.state}</span></h1>
<p class="soft">Plan ${code(run.provenance.plan)}: ${plural(run.cases.length, "case")}, ${count(run.checks.length)} checks, ${duration(run.durationNs)} from ${run.startedAt}. Linux ${kernel.release}, ${cpu.model}, ${plural(cpu.online, "CPU")}, ${host}${time}.</p></header>`;
}
