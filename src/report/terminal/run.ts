/** The run on a terminal: the answer first, then what it rests on. */
import type { Run } from "../../document/run.ts";
import { count, duration, plural } from "../../text/units.ts";
import { digest, findingsOf } from "../facts/findings.ts";
import { FOREIGN, foreignLine } from "../facts/foreign.ts";
import { CLOCK_WORDS } from "../facts/words.ts";
import { writeAccounts, writeBooks, writeDecisions, writeDrops } from "./account.ts";
import { writeChecks, writeNoise, writeProbes, writeWarnings } from "./evidence.ts";
import { writeCalibration, writeFloods, writeFunctions, writeGuest } from "./guest.ts";
import { writeLatency, writeResults, writeTimeChecks } from "./results.ts";
import { writeRoundTrips } from "./round-trip.ts";
import { Screen } from "./screen.ts";
import { writeSearches } from "./searches.ts";
import { writeSlopes } from "./slopes.ts";
import { writeTruth } from "./truth.ts";

export interface TerminalOptions {
  /** ANSI colours; the caller knows about NO_COLOR and whether this is a terminal. */
  readonly color: boolean;
  /** Columns; fewer than 60 count as 60. */
  readonly width: number;
}

/** What is written, not shown. */
export const PAPER: TerminalOptions = { color: false, width: 80 };

const NARROWEST = 60;
const CAUTIONS = 6;

/** No line is wider than `width`; no control character of the document survives. */
export function renderTerminal(run: Run, options = PAPER): string {
  const screen = screenFor(options);
  writeTitle(screen, run);
  writeFirst(screen, run);
  if (run.cases.length > 0) writeResults(screen, run);
  writeSearches(screen, run);
  writeSlopes(screen, run);
  writeTruth(screen, run);
  writeRoundTrips(screen, run);
  writeTimeChecks(screen, run);
  writeLatency(screen, run);
  writeDecisions(screen, run);
  writeAccounts(screen, run);
  writeFloods(screen, run);
  writeDrops(screen, run);
  if (run.cases.length > 0) {
    writeBooks(screen, run);
    writeProbes(screen, run);
  }
  writeCalibration(screen, run);
  writeFunctions(screen, run);
  writeChecks(screen, run);
  writeWarnings(screen, run);
  writeGuest(screen, run);
  writeNoise(screen, run);
  return screen.toString();
}

/** Only the answer: what went wrong and the results, and the percentiles; empty when neither is asked for. */
export function renderTables(
  run: Run,
  options: TerminalOptions,
  { results, percentiles }: { results: boolean; percentiles: boolean },
): string {
  if (!results && !percentiles) return "";
  const screen = screenFor(options);
  if (results) {
    writeTitle(screen, run);
    writeFirst(screen, run);
    if (run.cases.length > 0) writeResults(screen, run);
    writeSearches(screen, run);
    writeSlopes(screen, run);
    writeTruth(screen, run);
    writeTimeChecks(screen, run);
  }
  if (percentiles) {
    writeRoundTrips(screen, run);
    writeLatency(screen, run);
  }
  return screen.toString();
}

function screenFor({ color, width }: TerminalOptions): Screen {
  return new Screen({ color, width: Math.max(NARROWEST, Math.floor(width)) });
}

function writeTitle(screen: Screen, run: Run): void {
  const foreign = foreignLine(run);
  if (foreign !== null) screen.paragraph(foreign, { tone: "alarm", hanging: 2 });
  const { kernel, cpu, clock } = run.environment;
  const where = cpu.virtualization === null ? "bare metal" : cpu.virtualization;
  screen.paragraph(`bridgescope run ${run.id}: ${run.state}`, {
    tone: run.state === "complete" ? "strong" : "alarm",
    hanging: 2,
  });
  screen.paragraph(
    `plan ${run.provenance.plan}, ${plural(run.cases.length, "case")}, ${duration(run.durationNs)}, started ${run.startedAt}`,
    { tone: "dim", hanging: 2 },
  );
  screen.paragraph(
    `Linux ${kernel.release}, ${plural(cpu.online, "CPU")}, ${where}, ${CLOCK_WORDS[clock]}, seed ${run.provenance.seed}`,
    { tone: "dim", hanging: 2 },
  );
}

function writeFirst(screen: Screen, run: Run): void {
  const findings = findingsOf(run);
  const alarms = findings.filter(({ level, kind }) => level === "alarm" && kind !== FOREIGN);
  // Warnings have a section of their own, with the error beside them.
  const cautions = findings.filter(({ level, kind }) => level === "caution" && kind !== "warning");
  if (alarms.length > 0) {
    screen.heading(`LOOK HERE FIRST: ${count(alarms.length)} to settle before the numbers count`);
  }
  for (const { kind, about, text } of alarms) {
    screen.paragraph(`!! ${kind.toUpperCase()} ${sentence(about, text)}`, {
      tone: "alarm",
      hanging: 3,
    });
  }
  if (cautions.length > 0) screen.heading(`Keep in mind (${count(cautions.length)})`);
  const { shown, left } = digest(cautions, CAUTIONS);
  for (const { kind, about, text } of shown) {
    screen.paragraph(`!  ${kind} ${sentence(about, text)}`, { tone: "caution", hanging: 3 });
  }
  for (const { kind, count: more } of left) {
    screen.paragraph(`!  ${kind}: ${count(more)} more, below`, { tone: "caution" });
  }
}

function sentence(about: string | null, text: string): string {
  return about === null ? text : `${about}: ${text}`;
}
