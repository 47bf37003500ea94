/** What became of the frames: decisions and copies, by case and by port. */
import {
  type BridgeAccount,
  type Case,
  DECISIONS,
  type Decisions,
  type Latency,
  type PortAccount,
  type Run,
  STAGES,
} from "../../document/run.ts";
import { clip } from "../../text/printable.ts";
import { count, digits, passage, percent, plural } from "../../text/units.ts";
import { DECISION_WORDS, NET_WORDS } from "../facts/words.ts";
import { bottomAxis, linearScale, logScale, logTicks } from "./axis.ts";
import type { Detail } from "./detail.ts";
import { floodsPart, targetsTable } from "./guest.ts";
import { learningPart } from "./learning.ts";
import { type Html, html, px } from "./markup.ts";
import { code, figure, fold, legend, right, section, table } from "./parts.ts";
import { decisionClass, FIGURE_WIDTH } from "./tokens.ts";

const LABEL = 250;
const BARS = { left: LABEL, right: 600 };
const COPIES = { left: 660, right: 860 };
const ROW = 24;

export function decisionsSection(run: Run, detail: Detail): Html {
  const observed = run.cases.flatMap((item, index) =>
    item.bridge === undefined ? [] : [{ item, index, bridge: item.bridge }],
  );
  if (observed.length === 0) {
    return section("decisions", "Decisions and copies", [
      html`<p>No bridge was observed in this run.</p>`,
    ]);
  }
  return section("decisions", "Decisions and copies", [
    html`<p>Each frame that entered has exactly one decision. Amplification is the copies made of it.</p>`,
    legend(
      DECISIONS.map((name) => ({
        className: decisionClass(name),
        text: `${DECISION_WORDS[name].title}: ${DECISION_WORDS[name].means}`,
      })),
    ),
    byCase(observed),
    numbers(observed),
    floodsPart(run),
    learningPart(run),
    ...observed.map(({ item, index }) =>
      fold({
        id: `decisions-${index}`,
        summary: html`By port in ${code(item.id)}`,
        body: byPort(item, index, detail),
      }),
    ),
  ]);
}

interface Observed {
  readonly item: Case;
  readonly index: number;
  readonly bridge: BridgeAccount;
}

function byCase(observed: readonly Observed[]): Html {
  const bottom = 26 + observed.length * ROW;
  const share = linearScale(0, 100, [BARS.left, BARS.right]);
  const most = Math.max(2, ...observed.map(({ bridge }) => bridge.amplification ?? 0));
  const copies = logScale(1, most, [COPIES.left, COPIES.right]);
  return figure({
    id: "decisions-all",
    title: "Decisions and amplification by case",
    desc: observed
      .slice(0, 20)
      .map(
        ({ item, bridge }) =>
          `${item.id}: ${spoken(bridge.decisions, bridge.ingress)}, amplification ${bridge.amplification ?? "none"}`,
      )
      .join("; "),
    width: FIGURE_WIDTH,
    height: bottom + 38,
    body: [
      html`<text class="t" x="${BARS.left}" y="12">share of the frames that entered</text><text class="t" x="${COPIES.left}" y="12">copies per frame</text>`,
      bottomAxis(share, [0, 25, 50, 75, 100], { top: 20, bottom, label: "percent", unit: "" }),
      bottomAxis(copies, logTicks(copies), {
        top: 20,
        bottom,
        label: "amplification (logarithmic, from 1)",
        unit: "",
      }),
      ...observed.map(({ item, bridge }, row) => {
        const y = 24 + row * ROW;
        const times = bridge.amplification;
        const end = px(Math.max(0, copies(Math.max(1, times ?? 1)) - COPIES.left));
        return html`<text class="m" x="0" y="${y + 13}">${clip(item.id, 34)}</text>${stack(bridge.decisions, bridge.ingress, (part) => share((part / Math.max(1, bridge.ingress)) * 100), y)}<rect class="bar" x="${COPIES.left}" y="${y}" width="${end}" height="${ROW - 7}"/><text x="${COPIES.right + 12}" y="${y + 13}">${times === null ? "-" : digits(times)}</text>
`;
      }),
    ],
  });
}

function stack(parts: Decisions, total: number, at: (sum: number) => number, y: number): Html {
  if (total === 0) return html`<text class="t" x="${px(at(0) + 4)}" y="${y + 13}">no frame</text>`;
  let before = 0;
  const bars = DECISIONS.flatMap((name) => {
    const value = parts[name];
    if (value === 0) return [];
    const from = at(before);
    before += value;
    // A decision that was taken once stays visible among a million others.
    const width = Math.max(2, at(before) - from);
    return [
      html`<rect class="seg ${decisionClass(name)}" x="${px(from)}" y="${y}" width="${px(width)}" height="${ROW - 7}"><title>${DECISION_WORDS[name].title}: ${count(value)} (${percent(value, total)})</title></rect>`,
    ];
  });
  return html`${bars}`;
}

type Column = [title: string, of: (bridge: BridgeAccount) => number];

function numbers(observed: readonly Observed[]): Html {
  const columns: Column[] = [
    ["in", ({ ingress }) => ingress],
    ...DECISIONS.map(
      (name): Column => [DECISION_WORDS[name].short, ({ decisions }) => decisions[name]],
    ),
    ["out", ({ egress }) => egress],
    ["originated", ({ originated }) => originated],
    ["unattributed", ({ unattributed }) => unattributed],
    ["learned", ({ learned }) => learned],
    ["moved", ({ moved }) => moved],
    ["aged", ({ aged }) => aged],
  ];
  const isUsed = ([, of]: Column) => observed.some(({ bridge }) => of(bridge) > 0);
  const shown = columns.filter(isUsed);
  const zero = columns.filter((one) => !isUsed(one)).map(([title]) => title);
  const left = zero.length === 0 ? "" : `; 0 in every case: ${zero.join(", ")}`;
  return table(
    `Frames by decision, copies, and changes of the forwarding database${left}`,
    [
      { title: "Case" },
      ...[...shown.map(([title]) => title), "amplification"].map((title) => ({
        title,
        align: "right" as const,
      })),
    ],
    observed.map(({ item, bridge }) => ({
      cells: [
        code(item.id),
        ...shown.map(([, of]) => right(count(of(bridge)))),
        right(bridge.amplification === null ? "-" : digits(bridge.amplification)),
      ],
    })),
  );
}

interface PortRow {
  readonly name: string;
  readonly ingress: number;
  readonly egress: number;
  readonly copies: number;
  readonly decisions: Decisions;
  /** Net times of the stages that are this port's alone. */
  readonly stages: string;
}

function byPort(item: Case, index: number, detail: Detail): Html[] {
  const rows = portRows(item, detail.ports);
  if (rows.length === 0) return [html`<p>No port was counted.</p>`];
  const bottom = 26 + rows.length * ROW;
  const frames = linearScale(0, Math.max(1, ...rows.map((row) => row.ingress)), [150, 500]);
  const out = linearScale(0, Math.max(1, ...rows.map((row) => row.egress)), [580, 900]);
  const plot = figure({
    id: `portfig-${index}`,
    title: `Decisions and copies by port in ${item.id}`,
    desc: rows
      .map((row) => `${row.name}: ${spoken(row.decisions, row.ingress)}, ${count(row.egress)} out`)
      .join("; "),
    width: FIGURE_WIDTH,
    height: bottom + 38,
    body: [
      html`<text class="t" x="150" y="12">entered, by decision</text><text class="t" x="580" y="12">left by the port</text>`,
      bottomAxis(frames, frames.ticks(4), { top: 20, bottom, label: "frames", unit: "" }),
      bottomAxis(out, out.ticks(4), { top: 20, bottom, label: "frames", unit: "" }),
      ...rows.map((row, place) => {
        const y = 24 + place * ROW;
        const bars = row.ingress === 0 ? null : stack(row.decisions, row.ingress, frames, y);
        return html`<text class="m" x="0" y="${y + 13}">${clip(row.name, 19)}</text>${bars}<rect class="bar" x="580" y="${y}" width="${px(out(row.egress) - 580)}" height="${ROW - 7}"/>
`;
      }),
    ],
  });
  const head = ["in", "out", "copies made of what entered"];
  const list = table(
    "Frames by port",
    [
      { title: "Port" },
      ...head.map((title) => ({ title, align: "right" as const })),
      { title: `Stage p50, p90, ${NET_WORDS} (timed)` },
    ],
    rows.map((row) => ({
      cells: [
        code(row.name),
        right(count(row.ingress)),
        right(count(row.egress)),
        right(count(row.copies)),
        row.stages,
      ],
    })),
  );
  const targets = targetsTable(item.id, item.ports, detail.books);
  return detail.portFigures ? [plot, list, targets] : [list, targets];
}

/** Busy ports first where there are too many to draw; the others as one row. */
function portRows(item: Case, most: number): PortRow[] {
  const { ports } = item;
  if (ports.length <= most) return ports.map((port) => portRow(item, port));
  const busy = ports.toSorted((a, b) => b.ingress - a.ingress).slice(0, most - 1);
  const rest = ports.filter((port) => !busy.includes(port));
  const sum = (pick: (port: PortAccount) => number) =>
    rest.reduce((total, port) => total + pick(port), 0);
  const decisions = { ...busy[0]?.decisions } as Decisions;
  for (const name of DECISIONS) decisions[name] = sum((port) => port.decisions[name]);
  return [
    ...busy.map((port) => portRow(item, port)),
    {
      name: `${plural(rest.length, "more port")}`,
      ingress: sum((port) => port.ingress),
      egress: sum((port) => port.egress),
      copies: sum((port) => port.copies),
      decisions,
      stages: "",
    },
  ];
}

function portRow(item: Case, port: PortAccount): PortRow {
  const unit = unitOf(item);
  const stages = STAGES.flatMap((stage) => {
    const found = port.latency[stage];
    if (found === undefined || found.sampled === 0) return [];
    const { p50, p90, raw, sampled } = found;
    const show = (value: number) => passage(value, unit);
    const times =
      p50 === null || p90 === null
        ? `withheld, raw p50 ${show(raw.p50)}`
        : `${show(p50)}, ${show(p90)}`;
    return [`${stage} ${times} (${count(sampled)})`];
  });
  return { ...port, stages: stages.join("; ") };
}

/** A case is timed by one clock. */
function unitOf({ latency }: Case): Latency["unit"] {
  return Object.values(latency)[0]?.unit ?? "ns";
}

function spoken(decisions: Decisions, total: number): string {
  const parts = DECISIONS.filter((name) => decisions[name] > 0).map(
    (name) => `${percent(decisions[name], total)} ${DECISION_WORDS[name].title}`,
  );
  return parts.length === 0 ? "no frame entered" : parts.join(", ");
}
