/** The lab as the kernel showed it, with what passed each port. */
import { type Case, DECISIONS, type Lab, type PortAccount, type Run } from "../../document/run.ts";
import { clip } from "../../text/printable.ts";
import { count } from "../../text/units.ts";
import { DECISION_WORDS } from "../facts/words.ts";
import { bridgeFigure, type Wire } from "./bridge-figure.ts";
import type { Detail } from "./detail.ts";
import { factsOf } from "./lab-facts.ts";
import { type Html, html } from "./markup.ts";
import { code, figure, fold, section } from "./parts.ts";
import { FIGURE_WIDTH } from "./tokens.ts";

export function labSection(run: Run, detail: Detail): Html {
  const facts = factsOf(run, detail.ports);
  const blocks = run.cases.map((item, index) =>
    fold({
      id: `lab-${index}`,
      summary: html`${code(item.id)} <span class="soft">${item.lab.topology}</span>`,
      open: index === firstBridge(run),
      body: [drawing(item, index, detail.ports), facts[index] ?? html``],
    }),
  );
  return section("lab", "The lab as built", [
    html`<p>Read back from the kernel, not copied from the request. Arrows count the frames that entered the bridge by a port and the copies that left by it; a dashed wire carried none.</p>`,
    ...blocks,
  ]);
}

function firstBridge(run: Run): number {
  return Math.max(
    0,
    run.cases.findIndex((item) => item.lab.bridge !== null),
  );
}

function drawing(item: Case, index: number, most: number): Html {
  const { lab } = item;
  // A chain is shown as its pairs: what a single bridge's figure says of ports is not so there.
  if (lab.bridge === null || lab.bridge.inSeries !== undefined)
    return lab.ports.length === 0 ? single(item, index) : pairs(item, index, most);
  return bridgeFigure({
    id: `labfig-${index}`,
    title: `Lab of ${item.id}`,
    namespace: lab.ports[0]?.namespace ?? "",
    bridge: lab.bridge,
    ports: lab.ports.length,
    totals: totals(item),
    wires: wiresOf(item, most),
  });
}

function totals({ bridge }: Case): string[] {
  if (bridge === undefined) return ["not observed"];
  const taken = DECISIONS.filter((name) => bridge.decisions[name] > 0);
  return [
    `${count(bridge.ingress)} frames in`,
    `${count(bridge.egress)} out`,
    ...taken.map((name) => `${count(bridge.decisions[name])} ${DECISION_WORDS[name].title}`),
  ];
}

function wiresOf(item: Case, most: number): Wire[] {
  const { ports } = item.lab;
  // Beyond what is drawn whole, the first two thirds stand for the rest.
  const shown = ports.length > most ? Math.ceil(most * 0.66) : ports.length;
  const wires = ports.slice(0, shown).map((port): Wire => {
    const found = accountOf(item, port.ifindex, port.name);
    return {
      host: port.peer?.namespace ?? "no peer",
      device: port.peer === null ? "" : `${port.peer.name}, ${port.peer.address}`,
      port: port.name,
      state: port.state,
      ingress: found?.ingress ?? null,
      egress: found?.egress ?? null,
    };
  });
  const rest = ports.slice(shown);
  if (rest.length > 0) wires.push(restOf(item, rest));
  const host = item.ports.find((port) => port.name === "host");
  if (host !== undefined) {
    wires.push({
      host: "the host itself",
      device: "local and routed frames",
      port: "host",
      state: "bridge device",
      ingress: host.ingress,
      egress: host.egress,
    });
  }
  return wires;
}

function restOf(item: Case, rest: Lab["ports"]): Wire {
  const found = rest.flatMap((port) => accountOf(item, port.ifindex, port.name) ?? []);
  const sum = (pick: (port: PortAccount) => number) =>
    found.length === 0 ? null : found.reduce((total, port) => total + pick(port), 0);
  const states = [...new Set(rest.map((port) => port.state))];
  return {
    host: `${count(rest.length)} more namespaces`,
    device: "together",
    port: `${count(rest.length)} more ports`,
    state: states.length === 1 ? `all ${states[0]}` : `${states.length} states`,
    ingress: sum((port) => port.ingress),
    egress: sum((port) => port.egress),
  };
}

function accountOf(item: Case, ifindex: number, name: string): PortAccount | undefined {
  return item.ports.find((port) => port.ifindex === ifindex && port.name === name);
}

/** Of a pair between two bridges the port of the one before; a pair between two hosts is shown from both. */
function isFirstOfPair({ bridge, ifindex, namespace, peer }: Lab["ports"][number]): boolean {
  if (bridge === undefined || peer?.namespace !== namespace) return true;
  return ifindex > peer.ifindex;
}

/** The other end: a port of this lab's bridges, or a host's device. */
function atOther({ ports }: Lab, peer: NonNullable<Lab["ports"][number]["peer"]>) {
  return (
    ports.find((port) => port.ifindex === peer.ifindex && port.namespace === peer.namespace) ?? peer
  );
}

function placeOf({
  bridge,
  namespace,
}: {
  bridge?: string | undefined;
  namespace: string;
}): string {
  return bridge === undefined ? namespace : `${bridge} in ${namespace}`;
}

function single(item: Case, index: number): Html {
  return figure({
    id: `labfig-${index}`,
    title: `Lab of ${item.id}`,
    desc: `${item.lab.topology}: no bridge and no ports`,
    width: FIGURE_WIDTH,
    height: 70,
    body: html`<rect class="shape" x="8" y="8" width="300" height="52" rx="8"/><text class="m" x="22" y="30">${clip(item.lab.topology, 34)}</text><text class="t" x="22" y="48">no bridge, no ports</text>`,
  });
}

function pairs(item: Case, index: number, most: number): Html {
  const shown = item.lab.ports.filter(isFirstOfPair).slice(0, most);
  const box = (x: number, y: number, top: string, below: string) =>
    html`<rect class="shape" x="${x}" y="${y}" width="280" height="44" rx="8"/><text class="m" x="${x + 12}" y="${y + 19}">${clip(top, 34)}</text><text class="t" x="${x + 12}" y="${y + 35}">${clip(below, 40)}</text>`;
  const rows = shown.map((port, row) => {
    const y = 8 + row * 56;
    const end =
      port.peer === null
        ? html``
        : box(
            500,
            y,
            placeOf(atOther(item.lab, port.peer)),
            `${port.peer.name}, ${port.peer.address}`,
          );
    const wire =
      port.peer === null
        ? html``
        : html`<path class="wire" d="M288 ${y + 22}H500"/><text class="c t" x="394" y="${y + 16}">veth</text>`;
    return html`${wire}${box(8, y, placeOf(port), `${port.name}, mtu ${port.mtu}, ${port.qdisc}`)}${end}`;
  });
  return figure({
    id: `labfig-${index}`,
    title: `Lab of ${item.id}`,
    desc: shown
      .map(({ name, namespace, peer }) =>
        peer === null
          ? `${name} in ${namespace}, joined to no device of this lab`
          : `${name} in ${namespace} joined to ${peer.name} in ${peer.namespace}`,
      )
      .join(". "),
    width: FIGURE_WIDTH,
    height: shown.length * 56 + 8,
    body: rows,
  });
}
