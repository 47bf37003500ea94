/** What observing cost, and what it could not see. */
import type { Case, Probe, Run } from "../../document/run.ts";
import { clip } from "../../text/printable.ts";
import { count, digits } from "../../text/units.ts";
import { metricTitle } from "../facts/metrics.ts";
import { gapsOf, programCosts } from "../facts/observing.ts";
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
    slowdowns(observed),
    cases(observed),
    programs(observed),
    calibrationPart(run),
    gaps(observed),
  ]);
}

function slowdowns(observed: readonly Observed[]): Html {
  const rows = observed.flatMap(({ item, probe }) =>
    probe.slowdown === null ? [] : [{ item, slowdown: probe.slowdown }],
  );
  if (rows.length === 0) {
    return html`<p>No rounds with and without the counting probes stand side by side, so what counting costs the workload is not known.</p>`;
  }
  const ends = rows.flatMap(({ slowdown }) => [slowdown.value, ...slowdown.ci]);
  const scale = linearScale(Math.min(1, ...ends), Math.max(1, ...ends), [
    LABEL,
    FIGURE_WIDTH - 240,
  ]);
  const bottom = 10 + rows.length * ROW;
  return figure({
    id: "slowdown",
    title: "How much slower the workload is while everything is counted",
    desc: rows
      .slice(0, 20)
      .map(({ item, slowdown }) => `${item.id}: ${digits(slowdown.value)}`)
      .join("; "),
    width: FIGURE_WIDTH,
    height: bottom + 38,
    caption:
      "Dot and line: ratio and its interval. 1 is no effect. No metric and no stage time of this page is of rounds in which everything was counted.",
    body: [
      bottomAxis(scale, scale.ticks(6), {
        top: 4,
        bottom,
        label: "slow-down, with the counting probes over without",
        unit: "",
      }),
      html`<path class="line" d="M${px(scale(1))} 4V${bottom}"/>`,
      ...rows.map(({ item, slowdown }, row) => {
        const y = 22 + row * ROW;
        const [low, high] = slowdown.ci;
        return html`<text class="m" x="0" y="${y + 4}">${clip(item.id, 34)}</text><path class="line" d="M${px(scale(low))} ${y}H${px(scale(high))}"/><circle class="s-bridge-forward" cx="${px(scale(slowdown.value))}" cy="${y}" r="4.5"/><text class="e" x="${FIGURE_WIDTH}" y="${y + 4}">${digits(slowdown.value)}</text>
`;
      }),
    ],
  });
}

function cases(observed: readonly Observed[]): Html {
  return table(
    "Probes by case",
    [
      { title: "Case" },
      { title: "Backend" },
      ...["Events", "Lost", "Missed", "Slow-down"].map((title) => ({
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
        right(slowdownText(probe)),
        { value: state(probe), kind: "wide" as const },
      ],
    })),
  );
}

function slowdownText({ slowdown }: Probe): string {
  if (slowdown === null) return "not known";
  const { metric, value, ci } = slowdown;
  return `${digits(value)} (${ci.map(digits).join(" .. ")}) ${clip(metricTitle(metric), 40)}`;
}

function state(probe: Probe): Html {
  const bad = probe.degraded.map(
    (reason) => html`<br><strong class="caution">Degraded: ${reason}</strong>`,
  );
  const method =
    probe.slowdown === null ? null : html`<br><span class="soft">${probe.slowdown.method}</span>`;
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
    gapsOf(probe).map(({ stages, reason }) => ({ cells: [code(item.id), stages, reason] })),
  );
  if (rows.length === 0) return html``;
  return table(
    "Stages that were not timed",
    [{ title: "Case" }, { title: "Stages" }, { title: "Why" }],
    rows,
  );
}
