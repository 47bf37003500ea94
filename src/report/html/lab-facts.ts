/** What the kernel said of a lab's options, flags and placement. */
import type { Lab, Run } from "../../document/run.ts";
import { clip } from "../../text/printable.ts";
import { type Html, html } from "./markup.ts";
import { code, table } from "./parts.ts";

type Row = readonly [name: string, value: string];

/** A table a case; a case whose lab reads like an earlier one's points there. */
export function factsOf(run: Run, most: number): Html[] {
  const seen = new Map<string, number>();
  return run.cases.map((item, index) => {
    const rows = rowsOf(item.lab, most);
    if (rows.length === 0) return html``;
    const key = JSON.stringify(rows);
    const before = seen.get(key);
    if (before !== undefined) {
      const earlier = run.cases[before]?.id ?? "";
      return html`<p class="soft">Options, flags and placement read back as in <a href="#lab-${before}">${code(earlier)}</a>.</p>`;
    }
    seen.set(key, index);
    return table(
      "As read back",
      [{ title: "What" }, { title: "Value" }],
      rows.map(([name, value]) => ({ cells: [name, { value, kind: "wide" as const }] })),
    );
  });
}

function rowsOf(lab: Lab, most: number): Row[] {
  const rows: Row[] = [];
  if (lab.bridge !== null) {
    const options = Object.entries(lab.bridge.options).map(([name, value]) => `${name} ${value}`);
    const { nfCall } = lab.bridge;
    const { inSeries } = lab.bridge;
    if (inSeries !== undefined) {
      rows.push(["bridges in series", `${inSeries}; of ${lab.bridge.name}, the first:`]);
    }
    rows.push(["bridge options", options.join(", ")]);
    rows.push(["address", lab.bridge.address]);
    rows.push(["firewall hooks", nfCall === null ? "no br_netfilter" : onOff(nfCall)]);
  }
  rows.push(...common(lab, most, "port flags", (port) => onOff(port.flags)));
  rows.push(...common(lab, most, "offloads", (port) => onOff(port.offloads)));
  rows.push(
    ...common(
      lab,
      most,
      "mtu, qdisc, XDP, RPS",
      (port) => `${port.mtu}, ${port.qdisc}, ${port.xdp ? "on" : "off"}, ${port.rps}`,
    ),
  );
  rows.push(...lab.placement.map((one): Row => [`CPUs of ${one.thread}`, one.cpus.join(", ")]));
  return rows;
}

/** One row for what all ports share; each kind of port named where they differ. */
function common(
  lab: Lab,
  most: number,
  name: string,
  of: (port: Lab["ports"][number]) => string,
): Row[] {
  const kinds = new Map<string, string[]>();
  for (const port of lab.ports) kinds.set(of(port), [...(kinds.get(of(port)) ?? []), port.name]);
  return [...kinds]
    .slice(0, most)
    .map(([value, ports]) => [
      kinds.size === 1 ? name : `${name}: ${clip(ports.join(", "), 60)}`,
      value,
    ]);
}

function onOff(flags: Record<string, string | number | boolean>): string {
  return Object.entries(flags)
    .map(([name, value]) => `${name} ${value === true ? "on" : value === false ? "off" : value}`)
    .join(", ");
}
