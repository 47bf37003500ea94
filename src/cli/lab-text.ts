import type { LabDescription } from "../setup/describe.ts";
import type { Collection } from "../setup/gc.ts";
import type { LabListing } from "../setup/listing.ts";
import { PORT_OPTIONS } from "../setup/options.ts";
import type { Removal } from "../setup/removal.ts";
import type { LabSummary } from "../setup/summary.ts";
import { columns, padEnd } from "../text/layout.ts";
import { printable } from "../text/printable.ts";

export function formatList(labs: readonly LabListing[]): string {
  if (labs.length === 0) return "no labs\n";
  return table([
    ["LAB", "STATE", "TOPOLOGY", "HOSTS", "ID", "MADE"],
    ...labs.map((lab) =>
      lab.state === "unreadable"
        ? [lab.name, lab.state, lab.reason]
        : [lab.name, lab.state, lab.topology, String(lab.hosts), lab.id, lab.createdAt],
    ),
  ]);
}

/** Short on purpose: a lab of a thousand hosts is looked at with `lab show`. */
export function formatUp(name: string, lab: LabSummary): string {
  const [first] = lab.hosts;
  const seconds = (lab.setupNs / 1e9).toFixed(2);
  const inside = lab.bridge === null ? "" : `, ${lab.bridge.device} in ${lab.bridge.namespace}`;
  const hosts = `${lab.hosts.length} ${lab.hosts.length === 1 ? "host" : "hosts"}`;
  return [
    `${name}: ${lab.topology}, ${hosts}${inside}, built in ${seconds} s`,
    `  bridgescope lab show ${name}`,
    `  bridgescope lab exec ${name} ${first?.host} -- ip address`,
    `  bridgescope lab down ${name}`,
    "",
  ]
    .map(printable)
    .join("\n");
}

export function formatLab(name: string, lab: LabDescription): string {
  const { bridge } = lab;
  const head = `${printable(name)}: ${printable(lab.topology)}, id ${lab.id}\n`;
  const hosts = table([
    ["HOST", "NAMESPACE", "DEVICE", "MAC", "ADDRESSES", "PORT", "STATE", "FLAGS"],
    ...lab.hosts.map((host) => [
      host.host,
      host.namespace,
      host.device,
      host.mac,
      host.addresses.join(" ") || "-",
      host.port?.name ?? "-",
      host.port?.state ?? host.state.toLowerCase(),
      host.port === null ? "-" : flagsOn(host.port.flags).join(" ") || "none",
    ]),
  ]);
  if (bridge === null) return `${head}\n${hosts}`;
  const about = [
    `bridge ${bridge.device} in ${bridge.namespace}`,
    bridge.mac,
    bridge.state,
    `mtu ${bridge.mtu}`,
    ...bridge.addresses,
  ].join(", ");
  const chain = (lab.chain ?? []).map(({ bridge, ports }) => `${bridge} (${ports.join(", ")})`);
  const series = chain.length === 0 ? "" : `${printable(`in series: ${chain.join(", ")}`)}\n`;
  const fdb = table([
    ["FDB ADDRESS", "PORT", "HOST", "VLAN", "STATE"],
    // `self` entries are a device's own filter list, which bridge(8) prints among the bridge's.
    ...lab.fdb
      .filter((entry) => !entry.flags.includes("self"))
      .map((entry) => [
        entry.mac,
        entry.port,
        entry.host ?? "-",
        entry.vlan === null ? "-" : String(entry.vlan),
        [entry.state, ...entry.flags].join(" "),
      ]),
  ]);
  return `${head}${printable(about)}\n${series}\n${hosts}\n${fdb}`;
}

/** What a person should know of a removal beyond that it was done. */
export function removalNotes(removal: Removal): string[] {
  return [
    ...removal.left.map(({ namespace, reason }) => `left alone: ${namespace}: ${reason}`),
    ...removal.held.map(({ namespace, processes }) => {
      const shown = processes.slice(0, 10).map(({ pid, command }) => `${pid} (${command})`);
      const more = processes.length > 10 ? ` and ${processes.length - 10} more` : "";
      return `${namespace} has no name any more, but lives until these end: ${shown.join(", ")}${more}`;
    }),
  ].map(printable);
}

/** `guests` are the folders of guests whose command is dead. */
export function formatCollection(collection: Collection & { guests: string[] }): string {
  const lines = collection.labs.flatMap((lab) => {
    const line = `${lab.outcome} ${lab.lab}: ${lab.reason}`;
    if (lab.outcome !== "removed") return [printable(line)];
    const count = `${line} (${lab.removed.length} namespaces)`;
    return [printable(count), ...removalNotes(lab).map((note) => `  ${note}`)];
  });
  lines.push(...collection.files.map((file) => printable(`removed a half-written ${file}`)));
  lines.push(...collection.guests.map((folder) => printable(`removed a dead guest's ${folder}`)));
  return lines.length === 0 ? "nothing to remove\n" : `${lines.join("\n")}\n`;
}

function table(rows: readonly string[][]): string {
  const clean = rows.map((row) => row.map(printable));
  const widths = (clean[0] ?? []).map((_, column) =>
    Math.max(...clean.map((row) => columns(row[column] ?? ""))),
  );
  return clean
    .map(
      (row) =>
        `${row
          .map((cell, at) => padEnd(cell, widths[at] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** Names of a port's flags that are on, in the words of the topology options. */
function flagsOn(flags: Record<string, unknown>): string[] {
  return Object.keys(PORT_OPTIONS).filter((name) => flags[name] === true);
}
