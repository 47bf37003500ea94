/** One run for a commit message or a mailing list: ASCII, at most 72 columns. */
import type { Run } from "../../document/run.ts";
import { foldedCommand } from "../../text/command-line.ts";
import { findingsOf } from "../facts/findings.ts";
import { FOREIGN, foreignLine } from "../facts/foreign.ts";
import { writeLatency, writeResults, writeTimeChecks } from "../terminal/results.ts";
import { writeRoundTrips } from "../terminal/round-trip.ts";
import { Screen } from "../terminal/screen.ts";

/** What a mailing list and `git log` show without a break. */
export const PAPER_72 = { width: 72, color: false, ascii: true } as const;

export function renderCommit(run: Run): string {
  const { kernel, cpu } = run.environment;
  const screen = new Screen(PAPER_72);
  const foreign = foreignLine(run);
  if (foreign !== null) screen.paragraph(foreign, { hanging: 2 });
  screen.paragraph(`bridgescope run ${run.id}: ${run.state}`);
  screen.paragraph("");
  screen.paragraph(`Linux ${kernel.release} ${kernel.version}`, { hanging: 2 });
  screen.paragraph(`CPU: ${cpu.model}, ${cpu.online} online`, { hanging: 2 });
  screen.paragraph(`Command line: ${kernel.cmdline}`, { hanging: 2 });
  for (const { level, kind, text, about } of findingsOf(run)) {
    if (level === "alarm" && kind !== FOREIGN)
      screen.paragraph(`!! ${about === null ? text : `${about}: ${text}`}`, { hanging: 3 });
  }
  writeResults(screen, run);
  writeRoundTrips(screen, run);
  writeTimeChecks(screen, run);
  writeLatency(screen, run);
  screen.heading("To reproduce:");
  writeCommand(screen, run.provenance.argv);
  return screen.toString();
}

/** A command over several lines stays a command. */
export function writeCommand(screen: Screen, argv: readonly string[]): void {
  for (const [index, line] of foldedCommand(argv, screen.width - 4).entries()) {
    screen.paragraph(line, { indent: index === 0 ? 2 : 4 });
  }
}
