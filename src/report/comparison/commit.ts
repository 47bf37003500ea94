/** A comparison for a commit message or a mailing list: ASCII, at most 72 columns. */
import type { Comparison } from "../../document/compare.ts";
import { plural } from "../../text/units.ts";
import { PAPER_72, writeCommand } from "../exports/commit.ts";
import { foreignLines } from "../facts/foreign.ts";
import { Screen } from "../terminal/screen.ts";
import { commandsOf, partsOf, sideText, tally } from "./facts.ts";
import { writeDifferences, writePaired, writeVerdicts } from "./tables.ts";

const DIFFERENCES = 4;

export function renderComparisonCommit(comparison: Comparison): string {
  const screen = new Screen(PAPER_72);
  const at = { hanging: 2 };
  for (const line of foreignLines(comparison)) screen.paragraph(line, at);
  for (const part of partsOf(comparison)) {
    screen.heading(`${part.base.label} -> ${part.side.label}: ${tally(part)}`);
    screen.paragraph("");
    screen.paragraph(`CPU: ${part.side.cpu}`, at);
    screen.paragraph(`Base: ${sideText(part.base)}`, at);
    screen.paragraph(`Candidate: ${sideText(part.side)}`, at);
    writePaired(screen, part);
    screen.heading("Configuration, what differs:");
    writeDifferences(screen, part, DIFFERENCES);
    writeVerdicts(screen, part);
    const gaps = part.unmatched.length;
    if (gaps > 0) {
      screen.paragraph(
        `${plural(gaps, "stage, metric or case", "stages, metrics or cases")} on one side only`,
        { indent: 2 },
      );
    }
  }
  for (const warning of comparison.warnings) {
    screen.heading(`Note: ${warning}`);
  }
  screen.heading("To reproduce:");
  for (const argv of commandsOf(comparison)) writeCommand(screen, argv);
  return screen.toString();
}
