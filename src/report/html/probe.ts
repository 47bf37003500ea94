/** What observing cost, and what it could not see. */
import type { Case, Probe, Run } from "../../document/run.ts";
import { clip } from "../../text/printable.ts";
import { count, digits, quantity } from "../../text/units.ts";
import { metricTitle } from "../facts/metrics.ts";
import { programCosts } from "../facts/observing.ts";
import { spread } from "../facts/samples.ts";
import { bottomAxis, linearScale } from "./axis.ts";
import { calibrationPart } from "./guest.ts";
import { type Html, html, px } from "./markup.ts";
import { code, figure, right, section, table } from "./parts.ts";
import { FIGURE_WIDTH } from "./tokens.ts";

const LABEL = 250;
const ROW = 26;

interface Observed {
  readonly item: Case;
  readonly index: number;
  readonly probe: Probe;
}

export function probeSection(run: Run): Html {
  const observed = run.cases.flatMap((item, index): Observed[] =>
    item.probe === undefined ? [] : [{ item, index, probe: item.probe }],
  );
  if (observed.length === 0) {
    return section("probe", "What observing cost", [html`<p>Probes were off in every case.</p>`]);
  }
  return section("probe", "What observing cost", [
    overheads(observed),
    cases(observed),
    programs(observed),
    calibrationPart(run),
    gaps(observed),
  ]);
}

function overheads(observed: readonly Observed[]): Html {
  const rows = observed.flatMap(({ item, probe }) =>
    probe.overhead === null ? [] : [{ item, overhead: probe.overhead }],
  );
  if (rows.length === 0) {
    return html`<p>No rounds with and without probes were asked for, so the cost to the workload is not known.</p>`;
  }
  const ends = rows.flatMap(({ overhead }) => [overhead.ratio, ...overhead.ci]);
  const scale = linearScale(Math.min(1, ...ends), Math.max(1, ...ends), [
    LABEL,
    FIGURE_WIDTH - 240,
  ]);
  const bottom = 10 + rows.length * ROW;
  return figure({
    id: "overhead",
    title: "The workload's own number with probes on, against probes off",
    desc: rows
      .slice(0, 20)
      .map(({ item, overhead }) => `${item.id}: ${digits(overhead.ratio)}`)
      .join("; "),
    width: FIGURE_WIDTH,
    height: bottom + 38,
    caption:
      "Dot and line: ratio and its interval. 1 is no effect. Medians without and with probes at the right.",
    body: [
      bottomAxis(scale, scale.ticks(6), {
        top: 4,
        bottom,
        label: "ratio, probes on to off",
        unit: "",
      }),
      html`<path class="line" d="M${px(scale(1))} 4V${bottom}"/>`,
      ...rows.map(({ item, overhead }, row) => {
        const y = 22 + row * ROW;
        const [low, high] = overhead.ci;
        return html`<text class="m" x="0" y="${y + 4}">${clip(item.id, 34)}</text><path class="line" d="M${px(scale(low))} ${y}H${px(scale(high))}"/><circle class="s-bridge-forward" cx="${px(scale(overhead.ratio))}" cy="${y}" r="4.5"/><text class="e" x="${FIGURE_WIDTH}" y="${y + 4}">${offOn(item, overhead)}</text>
`;
      }),
    ],
  });
}

function offOn(item: Case, overhead: NonNullable<Probe["overhead"]>): string {
  const unit = item.metrics[overhead.metric]?.unit ?? "";
  const off = spread(overhead.off);
  const on = spread(overhead.on);
  if (off === null || on === null) return digits(overhead.ratio);
  return `${quantity(off.median, unit)} to ${quantity(on.median, unit)}`;
}

function cases(observed: readonly Observed[]): Html {
  return table(
    "Probes by case",
    [
      { title: "Case" },
      { title: "Backend" },
      ...["Events", "Lost", "Missed", "On / off"].map((title) => ({
        title,
        align: "right" as const,
      })),
      { title: "Why this backend; what is degraded" },
    ],
    observed.map(({ item, index, probe }) => ({
      id: `probe-${index}`,
      cells: [
        code(item.id),
        probe.backend,
        right(count(probe.events)),
        right(count(probe.lost)),
        right(count(probe.missed)),
        right(overheadText(probe)),
        { value: state(probe), kind: "wide" as const },
      ],
    })),
  );
}

function overheadText(probe: Probe): string {
  if (probe.overhead === null) return "not asked for";
  const { metric, ratio, ci } = probe.overhead;
  return `${digits(ratio)} (${ci.map(digits).join(" .. ")}) ${clip(metricTitle(metric), 40)}`;
}

function state(probe: Probe): Html {
  const bad = probe.degraded.map(
    (reason) => html`<br><strong class="caution">Degraded: ${reason}</strong>`,
  );
  const method =
    probe.overhead === null ? null : html`<br><span class="soft">${probe.overhead.method}</span>`;
  const empty =
    probe.emptyNs === null
      ? null
      : html`<br><span class="soft">An empty program shows ${digits(probe.emptyNs)} ns.</span>`;
  return html`${probe.reason}${bad}${method}${empty}`;
}

function programs(observed: readonly Observed[]): Html {
  const costs = programCosts(observed.map(({ probe }) => probe));
  if (costs.length === 0) return html``;
  return table(
    "Probe programs over all cases, events of the whole host; cost an event is net of an empty program on this host",
    [
      { title: "Program" },
      { title: "Events", align: "right" },
      { title: "Net cost each", align: "right" },
    ],
    costs.map((one) => ({
      cells: [code(one.name), right(count(one.events)), right(one.nsPerEvent)],
    })),
  );
}

function gaps(observed: readonly Observed[]): Html {
  const rows = observed.flatMap(({ item, probe }) =>
    probe.notObservable.map((gap) => ({ cells: [code(item.id), gap.stage, gap.reason] })),
  );
  if (rows.length === 0) return html``;
  return table(
    "Stages that could not be seen",
    [{ title: "Case" }, { title: "Stage" }, { title: "Why" }],
    rows,
  );
}
