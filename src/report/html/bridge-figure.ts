/** A bridge, its ports and who is behind them, with what passed each. */
import { clip } from "../../text/printable.ts";
import { compactCount, count, plural } from "../../text/units.ts";
import { type Html, html, px } from "./markup.ts";
import { figure, marked } from "./parts.ts";
import { FIGURE_WIDTH } from "./tokens.ts";

const ROW = 46;
const LEFT = { x: 8, width: 230 };
const BRIDGE = { x: 560, width: 300 };

export interface Wire {
  readonly host: string;
  readonly device: string;
  readonly port: string;
  readonly state: string;
  readonly ingress: number | null;
  readonly egress: number | null;
}

export interface BridgeFigure {
  /** Unique on the page. */
  readonly id: string;
  readonly title: string;
  /** Which the bridge is in. */
  readonly namespace: string;
  readonly bridge: { readonly name: string; readonly ifindex: number };
  readonly ports: number;
  /** Said inside the bridge, the most important first. */
  readonly totals: readonly string[];
  readonly wires: readonly Wire[];
}

export function bridgeFigure(options: BridgeFigure): Html {
  const { id, title, namespace, bridge, ports, wires } = options;
  const height = Math.max(2, wires.length) * ROW + 56;
  const x = BRIDGE.x + 126;
  const totals = options.totals.slice(0, Math.floor((height - 100) / 16));
  return figure({
    id,
    title,
    desc: `Bridge ${bridge.name} with ${plural(ports, "port")}. ${wires.map(sentence).join(". ")}.`,
    width: FIGURE_WIDTH,
    height,
    body: [
      html`<rect class="shape" x="${BRIDGE.x - 60}" y="4" width="${BRIDGE.width + 140}" height="${height - 8}" rx="8"/><text class="t" x="${BRIDGE.x - 48}" y="22">namespace <tspan class="m">${clip(namespace, 24)}</tspan></text>`,
      html`<rect class="device" x="${BRIDGE.x + 110}" y="34" width="${BRIDGE.width - 50}" height="${height - 50}" rx="6"/><text class="b m" x="${x}" y="56">${clip(bridge.name, 24)}</text><text class="t" x="${x}" y="74">bridge, ifindex ${bridge.ifindex}</text>${totals.map((text, row) => html`<text${row > 1 ? html` class="t"` : null} x="${x}" y="${96 + row * 16}">${text}</text>`)}`,
      ...wires.map((wire, row) => drawWire(wire, 40 + row * ROW)),
    ],
  });
}

function drawWire(wire: Wire, y: number): Html {
  const middle = y + 16;
  const busy = (wire.ingress ?? 0) + (wire.egress ?? 0);
  const idle = busy === 0 ? " idle" : "";
  const weight = busy === 0 ? 1 : Math.min(5, 1 + Math.log10(busy) / 2);
  const start = LEFT.x + LEFT.width;
  const counts =
    wire.ingress === null || wire.egress === null
      ? null
      : html`<text class="c" x="${(start + BRIDGE.x - 60) / 2}" y="${middle - 6}">${compactCount(wire.ingress)} in →</text><text class="c" x="${(start + BRIDGE.x - 60) / 2}" y="${middle + 16}">← ${compactCount(wire.egress)} out</text>`;
  return html`${marked(sentence(wire), html`<path class="wire${idle}" stroke-width="${px(weight)}" d="M${start} ${middle}H${BRIDGE.x - 44}"/>${counts}`)}<path class="wire" d="M${BRIDGE.x + 86} ${middle}H${BRIDGE.x + 110}"/><rect class="shape" x="${LEFT.x}" y="${y}" width="${LEFT.width}" height="34" rx="6"/><text x="${LEFT.x + 10}" y="${y + 15}" class="m">${clip(wire.host, 28)}</text><text x="${LEFT.x + 10}" y="${y + 28}" class="t">${clip(wire.device, 34)}</text><rect class="device" x="${BRIDGE.x - 44}" y="${y}" width="130" height="34" rx="5"/><text x="${BRIDGE.x - 36}" y="${y + 15}" class="m">${clip(wire.port, 17)}</text><text x="${BRIDGE.x - 36}" y="${y + 28}" class="t">${clip(wire.state, 20)}</text>
`;
}

function sentence(wire: Wire): string {
  const counts =
    wire.ingress === null ? "" : `: ${count(wire.ingress)} in, ${count(wire.egress ?? 0)} out`;
  return `${wire.host} to port ${wire.port}${counts}`;
}
