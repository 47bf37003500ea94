/** Why a bridge floods, as a person reads it. */
import type { Explanation, Note, Remedy } from "../document/explain.ts";
import { type Column, cells, Screen } from "./terminal/screen.ts";

const LEFT: Column[] = ["unknown unicast", "broadcast", "multicast"].map((title) => ({
  title,
  align: "left",
}));

export function renderExplanation(
  explanation: Explanation,
  options: { width: number; color: boolean },
): string {
  const screen = new Screen(options);
  const { bridge, notes, ports } = explanation;
  screen.paragraph(
    `${bridge.name} in ${bridge.namespace.label}, ${ports.length - 1} ports: ${verdict(notes)}`,
    { tone: "strong" },
  );
  screen.paragraph(
    "This is what netlink tells. No frame was looked at, so it says what can make the bridge flood, not that it does; nothing is judged harmful by it, and the exit status is 0.",
    { tone: "dim" },
  );
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
