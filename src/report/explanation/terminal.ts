/** Why a bridge floods, as a person reads it. */
import type { Explanation, Finding, Note, Remedy } from "../document/explain.ts";
import { type Column, cells, Screen } from "./terminal/screen.ts";
import { count, quantity } from "./text/units.ts";

const LEFT: Column[] = ["unknown unicast", "broadcast", "multicast"].map((title) => ({
  title,
  align: "left",
}));

export function renderExplanation(
  explanation: Explanation,
  options: { width: number; color: boolean },
): string {
  const screen = new Screen(options);
  const { bridge, notes, ports, findings } = explanation;
  const where = `${bridge.name} in ${bridge.namespace.label}, ${ports.length - 1} ports`;
  if (explanation.probes) {
    screen.paragraph(`${where}: ${seen(explanation)}`, { tone: "strong" });
    screen.paragraph(harmful(explanation), { tone: "dim" });
    for (const [index, finding] of findings.entries()) flood(screen, index + 1, finding);
    screen.heading("What its state tells besides");
  }
  screen.paragraph(explanation.probes ? verdict(notes) : `${where}: ${verdict(notes)}`, {
    tone: explanation.probes ? "plain" : "strong",
  });
  if (!explanation.probes) {
    screen.paragraph(
      "This is what netlink tells. No frame was looked at, so it says what can make the bridge flood, not that it does; nothing is judged harmful by it.",
      { tone: "dim" },
    );
  }
  notes.forEach((note, index) => {
    screen.heading(`${index + 1}. ${note.cause ?? "note"}`);
    screen.paragraph(note.text, { indent: 2 });
    if (note.remedy !== null) remedy(screen, note.remedy);
  });
  screen.heading("Which flooded frames a port gets");
  screen.table(
    "port",
    LEFT,
    ports.map(({ name, gets }) => ({
      label: name,
      cells: cells([gets.unknownUnicast, gets.broadcast, gets.multicast].map(yesNo)),
    })),
  );
  for (const { name, why } of ports) {
    screen.paragraph(`${name}: ${why.join("; ")}`, { indent: 2, hanging: 4, tone: "dim" });
  }
  return screen.toString();
}

function seen({ findings, seconds }: Explanation): string {
  const time = `in ${seconds.toFixed(1)} s`;
  if (findings.length === 0) return `no harmful flood was seen ${time}`;
  const copies = findings.reduce((sum, finding) => sum + finding.copiesPerSecond, 0);
  const floods = findings.length === 1 ? "one harmful flood" : `${findings.length} harmful floods`;
  return `${floods} ${time}, ${quantity(copies, "copies/s")}`;
}

function harmful({ thresholds, overhead }: Explanation): string {
  const { unknownUnicast, broadcast, multicast, moves, frames } = thresholds;
  const cost =
    overhead === null ? "" : ` The probes took ${(overhead * 100).toFixed(2)} % of a CPU.`;
  return `Harmful is, from ${frames} frames on: unknown unicast for one destination at ${unknownUnicast} frames/s (--unknown-unicast), broadcast of one source at ${broadcast} frames/s (--broadcast), multicast for one group at ${multicast} frames/s (--multicast), an address that moves ${moves} times a second (--moves).${cost}`;
}

const MOST_VICTIMS = 8;

function flood(screen: Screen, number: number, finding: Finding): void {
  const { addresses, ingressPort, victims, alternatives, evidence, captures } = finding;
  const line = (text: string) => screen.paragraph(text, { indent: 2, hanging: 4 });
  const owned = (port: Finding["victims"][number]["port"]) =>
    port.owner === null ? port.name : `${port.name} (${port.owner})`;
  screen.heading(`${number}. ${finding.cause}, ${finding.severity}`);
  line(finding.title);
  const ip =
    addresses.protocol === null
      ? ""
      : ` (${addresses.source} to ${addresses.destination}, ${addresses.protocol})`;
  line(
    `flow: ${finding.source} to ${finding.destination ?? "several"}${ip}, VLAN ${finding.vlan || "none"}`,
  );
  if (ingressPort !== null) line(`in by: ${owned(ingressPort)}, since ${finding.since}`);
  line(
    `${count(finding.frames)} frames (${quantity(finding.framesPerSecond, "frames/s")}), ${count(finding.copies)} copies (${quantity(finding.copiesPerSecond, "copies/s")}), ${count(finding.bytes)} bytes`,
  );
  if (victims.length > 0) {
    const shown = victims
      .slice(0, MOST_VICTIMS)
      .map(({ port, copies }) => `${owned(port)} ${count(copies)}`);
    const more =
      victims.length > MOST_VICTIMS ? ` and ${victims.length - MOST_VICTIMS} more ports` : "";
    line(`who got copies: ${shown.join(", ")}${more}`);
  }
  line(
    `the cause is ${finding.basis}${alternatives.length === 0 ? "" : `; it could also be: ${alternatives.join("; ")}`}`,
  );
  for (const text of evidence) line(`evidence: ${text}`);
  if (captures.length > 0) line(`first frames: ${captures.join(", ")}`);
  if (finding.remedy !== null) remedy(screen, finding.remedy);
}

function verdict(notes: readonly Note[]): string {
  if (notes.length === 0) return "nothing in its state makes it flood more than a bridge must";
  const causes = [...new Set(notes.flatMap(({ cause }) => cause ?? []))];
  const things = notes.length === 1 ? "one thing" : `${notes.length} things`;
  return `${things} in its state to know of${causes.length === 0 ? "" : ` (${causes.join(", ")})`}`;
}

function remedy(screen: Screen, { command, effect, risk, undo, verify }: Remedy): void {
  screen.paragraph("What would stop it:", { indent: 2 });
  screen.verbatim(command, 4);
  screen.paragraph(`effect: ${effect}`, { indent: 2, hanging: 4 });
  screen.paragraph(`risk: ${risk}`, { indent: 2, hanging: 4 });
  screen.paragraph("undo:", { indent: 2 });
  screen.verbatim(undo, 4);
  screen.paragraph(`verify: ${verify}`, { indent: 2, hanging: 4 });
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}
