import type { Run } from "../../document/run.ts";
import { count } from "../../text/units.ts";
import {
  calibrations,
  FLOOD_WORDS,
  floodRows,
  functionRows,
  functionSummary,
  guestFacts,
} from "../facts/guest.ts";
import { cells, right, type Screen } from "./screen.ts";

const AT = { indent: 2, hanging: 4 };

/** The guest's kernel, userland and boots. */
export function writeGuest(screen: Screen, run: Run): void {
  const facts = guestFacts(run);
  if (facts.length > 0) screen.heading("Guest");
  for (const [name, text] of facts) screen.paragraph(`${name}: ${text}`, AT);
}

/** How many functions can be probed; by name only those that cannot. */
export function writeFunctions(screen: Screen, run: Run): void {
  const rows = functionRows(run);
  if (rows === null) return;
  screen.heading("Functions on a frame's way");
  screen.paragraph(functionSummary(run.environment.functions ?? []), AT);
  for (const { name, fentry, kprobe } of rows) {
    if (fentry === "yes" && kprobe === "yes") continue;
    screen.paragraph(`${name}: fentry ${fentry}; kprobe ${kprobe}`, { ...AT, tone: "dim" });
  }
}

/** What counted time is net of. */
export function writeCalibration(screen: Screen, run: Run): void {
  for (const { text, cases } of calibrations(run)) {
    const of = cases.length === run.cases.length ? "" : ` (${cases.join(", ")})`;
    screen.paragraph(`${text}${of}`, AT);
  }
}

/** The bridge's own decision to flood. */
export function writeFloods(screen: Screen, run: Run): void {
  const rows = floodRows(run);
  if (rows.length === 0) return;
  screen.heading("Floods, as the bridge calls them");
  const number = (value: number | null) => (value === null ? "-" : count(value));
  screen.table(
    "case",
    right("unicast", "multicast", "broadcast", "targets", "skipped"),
    rows.map((row) => ({
      label: row.id,
      cells: cells([
        count(row.unicast),
        count(row.multicast),
        count(row.broadcast),
        number(row.considered),
        number(row.skipped),
      ]),
    })),
  );
  screen.paragraph(FLOOD_WORDS, { indent: 2, tone: "dim" });
}
