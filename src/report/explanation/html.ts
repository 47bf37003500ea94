/** explain.html: why a bridge floods or loses frames, in the manner of a run's page. */
import type { Explanation, Finding, Note } from "../../document/explain.ts";
import type { JourneyDirection } from "../../document/journey.ts";
import { clip } from "../../text/printable.ts";
import { count, percent, plural } from "../../text/units.ts";
import { capital } from "../facts/words.ts";
import { bottomAxis, linearScale } from "../html/axis.ts";
import { bridgeFigure, type Wire } from "../html/bridge-figure.ts";
import { type Html, html, px } from "../html/markup.ts";
import { code, command, figure, fold, pairs, right, section, table } from "../html/parts.ts";
import { methodSection, pageText } from "../html/shell.ts";
import { decisionClass, FIGURE_WIDTH } from "../html/tokens.ts";
import {
  aboveOf,
  belowOf,
  costOf,
  EXPLANATION_METHODS,
  factsOf,
  GETS_NOT,
  gradeOf,
  KIND_WORDS,
  KINDS,
  moreBelow,
  noRemedyOf,
  notLookedOf,
  portWords,
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

/** Ports that are drawn. */
const WIRES = 24;
const BARS = 24;
const ROW = 22;

const NAV = [
  ["answer", "Answer"],
  ["bridge", "Bridge"],
  ["floods", "Above threshold"],
  ["below", "Below"],
  ["state", "Notes"],
  ["ports", "Ports"],
  ["method", "Method"],
  ["document", "Document"],
] as const;

const JOURNEY_NAV = [
  ["answer", "Answer"],
  ["way", "Hop by hop"],
  ["floods", "What was lost"],
  ["notes", "Notes"],
  ["document", "Document"],
] as const;

export function renderExplanationHtml(explanation: Explanation): string {
  return hasJourney(explanation) ? journeyPage(explanation) : bridgePage(explanation);
}

function journeyPage(explanation: JourneyTold): string {
  const { journey, findings, notes, time, bridge } = explanation;
  const { from, to, verdict, elsewhere, rules } = journey;
  const above = findings.some(({ kind }) => kind !== "policy");
  const tone = above ? "alarm" : findings.length > 0 || notes.length > 0 ? "caution" : "good";
  const items = findings.length > 0 ? html`<ul>${findings.map(findingItem)}</ul>` : null;
  const shown: Record<string, Html[]> = {
    answer: [
      html`<div class="box ${tone}"${above ? html` role="alert"` : null}><h3>${verdict}</h3>${items}</div>`,
      ...(elsewhere === null ? [] : [html`<p>${capital(elsewhere)}</p>`]),
    ],
    way: [
      ...seenDirections(journey).map(
        (one, index) => html`${hopTable(one)}<p class="soft">${besides(one, index)}</p>`,
      ),
      ...ruleLines(rules ?? [], true).map((text) => html`<p>${text}</p>`),
    ],
    floods: findings.length > 0 ? floods(explanation) : [],
    notes: notes.map(({ text }) => html`<p>${text}</p>`),
  };
  const nav = JOURNEY_NAV.filter(([id]) => id === "document" || (shown[id]?.length ?? 0) > 0);
  return pageText({
    title: `bridgescope: from ${from.asked} to ${to.asked} over ${bridge.name}`,
    header: html`<header><h1>From ${code(from.asked)} to ${code(to.asked)} over ${code(bridge.name)}</h1>
<p class="soft">${journeyAbout(explanation)}, ${time}.</p></header>`,
    nav,
    body: html`${nav.flatMap(([id, name]) => (id === "document" ? [] : [section(id, name, shown[id] ?? [])]))}`,
    document: { name: "explain", value: explanation },
    origin: `bridgescope from ${explanation.schema}`,
  });
}

function hopTable(one: JourneyDirection): Html | null {
  const rows = hopRows(one);
  if (rows.length === 0) return null;
  return table(
    `${one.from} → ${one.to}`,
    [
      { title: "Hop" },
      { title: "Frames", align: "right" },
      { title: "Median", align: "right" },
      { title: "Max", align: "right" },
    ],
    rows.map(({ label, frames, times: [median, most] }) => ({
      cells: [label, right(count(frames)), right(median), right(most)],
    })),
  );
}

function bridgePage(explanation: Explanation): string {
  const { bridge, probes } = explanation;
  const body = html`${[
    answer(explanation),
    section("bridge", "The bridge and who is behind its ports", [drawing(explanation)]),
    ...(probes ? [section("floods", "Above threshold", floods(explanation))] : []),
    ...(probes ? [section("below", "Below the thresholds", [belowList(explanation)])] : []),
    section("state", "Notes", stateOf(explanation)),
    section("ports", "Which flooded frames a port gets", [portTable(explanation)]),
    methodSection(EXPLANATION_METHODS),
  ]}`;
  return pageText({
    title: `bridgescope: what ${bridge.name} floods or loses, and why`,
    header: header(explanation),
    nav: NAV.filter(([id]) => probes || !["floods", "below"].includes(id)),
    body,
    document: { name: "explain", value: explanation },
    origin: `bridgescope from ${explanation.schema}`,
  });
}

function header(explanation: Explanation): Html {
  const { bridge, time, seconds, probes } = explanation;
  const looked = probes ? `frames looked at for ${seconds.toFixed(1)} s` : "netlink alone";
  return html`<header><h1>What ${code(bridge.name)} floods or loses, and why</h1>
<p class="soft">${whereOf(explanation)}, ${time}; ${looked}. ${costOf(explanation)}</p></header>`;
}

function answer(explanation: Explanation): Html {
  const { findings, notes, probes } = explanation;
  const headline = probes ? seenOf(explanation) : stateVerdict(notes);
  const items = findings.length > 0 ? findings.map(findingItem) : notes.map(noteItem);
  const above = findings.some(({ kind }) => kind !== "policy");
  const caution = findings.length > 0 || notes.length > 0 || !probes;
  const tone = above ? "alarm" : caution ? "caution" : "good";
  const role = above ? html` role="alert"` : null;
  const list = items.length > 0 ? html`<ul>${items}</ul>` : null;
  return section("answer", "The answer", [
    html`<div class="box ${tone}"${role}><h3>${capital(headline)}</h3>${list}</div>`,
    html`<p class="soft">${probes ? thresholdsOf(explanation) : notLookedOf(explanation)}</p>`,
    ...(findings.length > 0 ? [html`<p>Besides, ${stateVerdict(notes)}.</p>`] : []),
  ]);
}

function findingItem(finding: Finding, index: number): Html {
  const { cause } = finding;
  return html`<li><strong>${cause}</strong>, ${gradeOf(finding)}: ${sizeOf(finding)} <a href="#flood-${index}" aria-label="evidence: ${cause}">evidence</a></li>`;
}

function noteItem({ cause, text }: Note, index: number): Html {
  const name = cause === null ? null : html`<strong>${cause}</strong>${" "}`;
  return html`<li>${name}${text} <a href="#note-${index}" aria-label="evidence: ${cause ?? "note"}">more</a></li>`;
}

function drawing(explanation: Explanation): Html {
  const { bridge, ports, findings, probes } = explanation;
  const floods = findings.filter(({ kind }) => kind === "flood");
  // What is lost leaves by no port, and one frame may be told of twice.
  const counted = probes && (floods.length > 0 || findings.length === 0);
  const sum = (of: (finding: Finding) => number) =>
    floods.reduce((all, finding) => all + of(finding), 0);
  const wires = ports.map((port): Wire => {
    const is = (other: Finding["ingressPort"]) => other?.ifindex === port.ifindex;
    return {
      host: whoseOf(port, "not known"),
      device: "",
      port: port.name,
      state: port.name === "host" ? "bridge device" : "",
      ingress: counted ? sum((one) => (is(one.ingressPort) ? one.frames : 0)) : null,
      egress: counted
        ? sum((one) => one.victims.find((victim) => is(victim.port))?.copies ?? 0)
        : null,
    };
  });
  const busy = (wire: Wire) => (wire.ingress ?? 0) + (wire.egress ?? 0);
  const shown =
    wires.length <= WIRES ? wires : wires.toSorted((a, b) => busy(b) - busy(a)).slice(0, WIRES);
  const left = wires.length - shown.length;
  return html`${counted ? html`<p>Arrows count the frames of the floods above threshold alone: those that came in by a port, and the copies that left by it; a dashed wire carried none.</p>` : null}${bridgeFigure(
    {
      id: "bridgefig",
      title: `The bridge ${bridge.name}`,
      namespace: bridge.namespace.label,
      bridge,
      ports: ports.length - 1,
      totals: probes ? [aboveOf(findings)] : ["frames not looked at"],
      wires: shown,
    },
  )}${left > 0 ? html`<p class="soft">${plural(left, "more port")} in the table below.</p>` : null}`;
}

function floods({ findings }: Explanation): Html[] {
  if (findings.length === 0) return [html`<p>Nothing was above a threshold.</p>`];
  return findings.map((finding, index) => {
    const { cause, severity, kind } = finding;
    const drawn = ["evidence", "copies to", GETS_NOT];
    const facts = factsOf(finding).filter(([name]) => !drawn.includes(name));
    const badge = severity === "low" || kind === "policy" ? "caution" : "alarm";
    return html`<article id="flood-${index}" aria-labelledby="flood-${index}-h"><h3 id="flood-${index}-h">${index + 1}. ${cause} <span class="badge ${badge}">${gradeOf(finding)}</span></h3>
<p>${finding.title}</p>
${pairs(facts)}
<h4>Evidence</h4><ul>${finding.evidence.map((text) => html`<li>${text}</li>`)}</ul>
${victims(finding, index)}${remedyPart(finding)}</article>
`;
  });
}

function belowList(explanation: Explanation): Html {
  const more = moreBelow(explanation);
  if (explanation.below.length === 0) return html`<p>Nothing was seen below the thresholds.</p>`;
  return html`<ul>${explanation.below.map((one) => html`<li>${belowOf(one)}</li>`)}${more === "" ? null : html`<li>${more}</li>`}</ul>`;
}

/** Who gets copies of it, or does not get what was for them, as bars and as a table. */
function victims(finding: Finding, index: number): Html {
  const { kind, lost, copies: made } = finding;
  const isFlood = kind === "flood";
  const unit = isFlood || made > 0 ? "copies" : "frames";
  const all = finding.victims.toSorted((a, b) => b.copies - a.copies);
  if (all.length === 0) return html``;
  const shown = all.slice(0, BARS);
  const bottom = 6 + shown.length * ROW;
  const scale = linearScale(0, Math.max(...all.map(({ copies }) => copies)), [330, 850]);
  const left = all.length - shown.length;
  const plot = figure({
    id: `victims-${index}`,
    title: isFlood
      ? `Copies of flood ${index + 1} by the port that got them`
      : `Lost ${unit} of ${index + 1} by the port that did not get them`,
    desc: shown.map(({ port, copies }) => `${portWords(port)}: ${count(copies)}`).join("; "),
    width: FIGURE_WIDTH,
    height: bottom + 38,
    body: [
      bottomAxis(scale, scale.ticks(5), { top: 2, bottom, label: unit, unit: "" }),
      ...shown.map(({ port, copies }, place) => {
        const y = 4 + place * ROW;
        return html`<text class="m" x="0" y="${y + 13}">${clip(portWords(port), 46)}</text><rect class="seg ${floodClass(finding)}" x="330" y="${y}" width="${px(Math.max(1, scale(copies) - 330))}" height="${ROW - 6}"><title>${portWords(port)}: ${count(copies)} ${unit}</title></rect><text class="t" x="${px(scale(copies) + 6)}" y="${y + 13}">${count(copies)}</text>
`;
      }),
    ],
    caption: left > 0 ? `${plural(left, "more port")} in the table.` : "",
  });
  const list = table(
    isFlood ? "Who gets copies that are not theirs" : "Who does not get what is theirs",
    [
      { title: "Port" },
      { title: capital(unit), align: "right" },
      { title: "Of all", align: "right" },
    ],
    all.map(({ port, copies }) => ({
      cells: [
        code(portWords(port)),
        right(count(copies)),
        right(percent(copies, isFlood ? made : lost)),
      ],
    })),
  );
  return html`<h4>${isFlood ? "Who gets the copies" : "Who does not get them"}</h4>${plot}${fold({ summary: "As a table", body: list })}`;
}

function floodClass({ kind, cause }: Finding): string {
  if (kind !== "flood") return decisionClass("filtered");
  if (cause === "broadcast-storm") return decisionClass("broadcast");
  return decisionClass(cause === "multicast-unregistered" ? "multicast" : "unknownUnicast");
}

function remedyPart(told: Pick<Finding, "remedy" | "noRemedy">): Html | null {
  const none = noRemedyOf(told);
  if (none !== "") return html`<p>${none}</p>`;
  if (told.remedy === null) return null;
  const { command: text, effect, risk, undo, verify } = told.remedy;
  return html`<h4>Fix</h4><p>${capital(effect)}.</p>${command(text)}<dl class="kv"><dt>Risk</dt><dd>${risk}</dd></dl><h4>Undo</h4>${command(undo)}<h4>Verify (it fails until that is done)</h4>${command(verify)}`;
}

function stateOf({ notes, bridge }: Explanation): Html[] {
  const options = Object.entries(bridge.options);
  return [
    html`<p>${capital(stateVerdict(notes))}.</p>`,
    ...notes.map(note),
    fold({
      summary: `Options of the bridge: ${count(options.length)}`,
      body: pairs(options.map(([name, value]) => [name, String(value)] as const)),
    }),
  ];
}

function note(told: Note, index: number): Html {
  const { cause, text } = told;
  return html`<article id="note-${index}" aria-labelledby="note-${index}-h"><h3 id="note-${index}-h">${index + 1}. ${cause ?? "note"}</h3><p>${text}</p>${remedyPart(told)}</article>
`;
}

function portTable({ ports }: Explanation): Html {
  return table(
    "By its flags, isolation, spanning tree, VLANs and carrier",
    [
      { title: "Port" },
      { title: "Whose" },
      ...KIND_WORDS.map((title) => ({ title })),
      { title: "Why" },
    ],
    ports.map((port) => ({
      cells: [
        code(port.name),
        whoseOf(port, "-"),
        ...KINDS.map((kind) => yesNo(port.gets[kind])),
        { value: port.why.join("; "), kind: "wide" as const },
      ],
    })),
  );
}
