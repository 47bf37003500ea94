/** The way of a frame: each stage from where the one before it ended, and what one look at it took. */
import type { Case, Latency, Stage } from "../../document/run.ts";
import { digits, percentiles } from "../../text/units.ts";
import { STAGE_WORDS } from "../facts/words.ts";
import { bottomAxis, type LinearScale, linearScale } from "./axis.ts";
import { type Html, html, px } from "./markup.ts";
import { figure, marked } from "./parts.ts";
import { FIGURE_WIDTH, stageClass } from "./tokens.ts";

const LABEL = 150;
const RIGHT = 250;
const ROW = 24;

interface Leg {
  readonly name: string;
  readonly stage: Stage;
  readonly latency: Latency;
  /** Where it begins: the sum of the medians before it. */
  readonly start: number;
}

/** Empty where the case timed no stage. */
export function waterfall(item: Case, index: number): Html {
  const legs = legsOf(item);
  const [first] = legs;
  if (first === undefined) return html``;
  const { unit } = first.latency;
  const probes = unit === "ns" ? probesOf(item) : [];
  const observing = probes.reduce((sum, one) => sum + one.ns, 0);
  const end = Math.max(observing, ...legs.map(({ start, latency }) => start + latency.p90));
  const scale = linearScale(0, end, [LABEL, FIGURE_WIDTH - RIGHT]);
  const rows = legs.length + (probes.length > 0 ? 1 : 0);
  const bottom = 8 + rows * ROW;
  const costRow = html`<text class="m" x="0" y="${bottom - ROW + 14}">observing</text>${segments(probes, scale, bottom - ROW + 4)}<text class="t" x="${FIGURE_WIDTH - RIGHT + 12}" y="${bottom - ROW + 14}">${digits(observing)} ns: each program once</text>`;
  return figure({
    id: `way-${index}`,
    title: `The way of a frame in ${item.id}`,
    desc: legs.map(({ name, latency }) => `${name}: ${said(latency)}`).join("; "),
    width: FIGURE_WIDTH,
    height: bottom + 38,
    caption: `Bars are medians, each from where the medians before it end; the line reaches to the 90th percentile. Medians of legs do not add up to the median of the whole way exactly.${probes.length > 0 ? " Observing: what one firing of each probe program took, net of an empty one; it is part of the times above it wherever the program fired between their two ends." : ""}`,
    body: [
      bottomAxis(scale, scale.ticks(6), {
        top: 4,
        bottom,
        label: unit === "ns" ? "time since the frame was sent" : "instructions since it was sent",
        unit: unit === "ns" ? "ns" : "",
      }),
      ...legs.map((leg, place) => row(leg, scale, 8 + place * ROW)),
      probes.length > 0 ? costRow : html``,
    ],
  });
}

function legsOf({ latency, lab }: Case): Leg[] {
  const known = (stage: Stage) => {
    const one = latency[stage];
    return one === undefined || one.sampled === 0 ? null : one;
  };
  const legs: Leg[] = [];
  const add = (stage: Stage, name: string, start: number): number => {
    const one = known(stage);
    if (one === null) return start;
    legs.push({ name, stage, latency: one, start });
    return start + one.p50;
  };
  const bridged = lab.bridge !== null;
  const inside = add("veth", bridged ? "veth, to the bridge" : "veth", 0);
  add("bridge.learn", "bridge.learn", inside);
  add("bridge.lookup", "bridge.lookup", inside);
  const forwarded = add("bridge.forward", "bridge.forward", inside);
  const flooded = add("bridge.flood", "bridge.flood", inside);
  if (bridged) add("veth", "veth, to the host", forwarded > inside ? forwarded : flooded);
  add("path", "path", 0);
  return legs;
}

function row({ name, stage, latency, start }: Leg, scale: LinearScale, y: number): Html {
  const [from, to, far] = [start, start + latency.p50, start + latency.p90].map((at) => scale(at));
  const className = stageClass(stage);
  const marks = html`<rect class="${className} seg" x="${px(from ?? 0)}" y="${y}" width="${px(Math.max(1, (to ?? 0) - (from ?? 0)))}" height="14"/><path class="${className} wide" d="M${px(to ?? 0)} ${y + 7}H${px(far ?? 0)}"/>`;
  return html`<text class="m" x="0" y="${y + 11}">${name}</text>${marked(`${name}, ${STAGE_WORDS[stage]}: ${said(latency)}`, marks)}<text class="t" x="${FIGURE_WIDTH - RIGHT + 12}" y="${y + 11}">${said(latency)}</text>
`;
}

function said({ p50, p90, p99, unit }: Latency): string {
  // Its axis says instructions, and there is no room to say so thrice more.
  return unit === "ns"
    ? percentiles({ p50, p90, p99 }, unit)
    : `p50 ${digits(p50)}, p90 ${digits(p90)}, p99 ${digits(p99)}`;
}

interface Cost {
  readonly name: string;
  readonly ns: number;
}

function probesOf({ probe }: Case): Cost[] {
  return (probe?.programs ?? []).flatMap(({ name, nsPerEvent }) =>
    nsPerEvent === null || nsPerEvent <= 0 ? [] : [{ name, ns: nsPerEvent }],
  );
}

function segments(probes: readonly Cost[], scale: LinearScale, y: number): Html {
  let at = 0;
  const parts = probes.map(({ name, ns }) => {
    const [from, to] = [scale(at), scale(at + ns)];
    at += ns;
    return html`<rect class="bar seg" x="${px(from)}" y="${y}" width="${px(to - from)}" height="12"><title>${name}: ${digits(ns)} ns a firing</title></rect>`;
  });
  return html`${parts}`;
}
