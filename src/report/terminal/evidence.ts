import type { Case, Check, Probe, Run } from "../../document/run.ts";
import { clip } from "../../text/printable.ts";
import { count, digits, plural } from "../../text/units.ts";
import { gapsOf, programCosts } from "../facts/observing.ts";
import { cells, type Row, right, type Screen } from "./screen.ts";

const LONGEST = 2000;
const PROGRAMS = 12;

/** Which backend watched, what it lost, and what watching cost. */
export function writeProbes(screen: Screen, run: Run): void {
  screen.heading("What observing cost");
  const unobserved = run.cases.filter((item) => item.probe === undefined);
  if (unobserved.length > 0) {
    screen.paragraph(`not observed: ${unobserved.map((item) => item.id).join(", ")}`, {
      indent: 2,
      hanging: 4,
      tone: "dim",
    });
  }
  const observed = run.cases.flatMap((item) =>
    item.probe === undefined ? [] : [{ item, probe: item.probe }],
  );
  for (const words of new Set(observed.map(({ probe }) => `${probe.backend}: ${probe.reason}`))) {
    screen.paragraph(words, { indent: 2, hanging: 4 });
  }
  const head = right("events", "lost", "missed", "slow-down", "interval");
  screen.table("case", head, observed.map(probeRow));
  if (observed.some(({ probe }) => probe.slowdown !== null)) {
    screen.paragraph(
      "slow-down: the workload's own number while everything was counted over that without probes; no other number is of those rounds",
      { indent: 2, tone: "dim" },
    );
  }
  writePrograms(screen, observed);
  for (const { item, probe } of observed) writeGaps(screen, item, probe);
}

/** Failed checks with their evidence; the others as a number. */
export function writeChecks(screen: Screen, run: Run): void {
  const failed = run.checks.filter((check) => !check.passed);
  screen.heading("Checks of the topologies");
  const passed = run.checks.length - failed.length;
  screen.paragraph(`${count(passed)} passed, ${count(failed.length)} failed`, {
    indent: 2,
    tone: failed.length > 0 ? "alarm" : "good",
  });
  for (const check of failed) writeCheck(screen, check);
}

export function writeWarnings(screen: Screen, run: Run): void {
  const warned = run.cases.filter((item) => item.warnings.length > 0 || item.error !== null);
  if (warned.length === 0) return;
  screen.heading("Warnings");
  for (const item of warned) {
    screen.paragraph(item.id, { indent: 2, hanging: 4 });
    if (item.error !== null) {
      screen.block("error", clip(item.error, LONGEST));
    }
    for (const warning of item.warnings) {
      screen.paragraph(`- ${clip(warning, LONGEST)}`, { indent: 4, hanging: 6, tone: "caution" });
    }
  }
}

export function writeNoise(screen: Screen, run: Run): void {
  const { noise } = run.environment;
  if (noise.length === 0) return;
  screen.heading("Noise of this host");
  for (const item of noise) {
    const advice = item.advice === null ? "" : ` (${item.advice})`;
    screen.paragraph(`${item.id}: ${item.observed}${advice}`, { indent: 2, hanging: 4 });
  }
}

interface Observed {
  readonly item: Case;
  readonly probe: Probe;
}

function probeRow({ item, probe }: Observed): Row {
  const ratio = probe.slowdown === null ? "-" : digits(probe.slowdown.value);
  const ci = probe.slowdown?.ci.map(digits).join(" .. ") ?? "-";
  const tone = probe.lost + probe.missed > 0 ? "caution" : "plain";
  return {
    label: item.id,
    cells: [
      ...cells([count(probe.events)]),
      ...cells([count(probe.lost), count(probe.missed)], tone),
      ...cells([ratio, ci]),
    ],
  };
}

function writePrograms(screen: Screen, observed: readonly Observed[]): void {
  const programs = programCosts(observed.map(({ probe }) => probe));
  const rows = programs.slice(0, PROGRAMS).map((program) => ({
    label: program.name,
    cells: cells([count(program.events), program.nsPerEvent]),
  }));
  screen.table("program, whole host", right("events", "net, each"), rows);
  if (programs.length > PROGRAMS) {
    screen.paragraph(`and ${plural(programs.length - PROGRAMS, "program")} more`, {
      indent: 2,
      tone: "dim",
    });
  }
}

function writeGaps(screen: Screen, item: Case, probe: Probe): void {
  const at = { indent: 2, hanging: 4 };
  for (const reason of probe.degraded) {
    screen.paragraph(`DEGRADED ${item.id}: ${reason}`, { ...at, tone: "caution" });
  }
  for (const { stages, reason } of gapsOf(probe)) {
    screen.paragraph(`${item.id}: ${stages} not timed: ${reason}`, {
      ...at,
      tone: "dim",
    });
  }
}

function writeCheck(screen: Screen, check: Check): void {
  screen.paragraph(`FAILED ${check.id}: ${check.title}`, { indent: 2, hanging: 4, tone: "alarm" });
  const { command, expected, observed } = check.evidence;
  screen.paragraph(`$ ${clip(command, LONGEST)}`, { indent: 4, hanging: 6 });
  screen.block("expected", clip(expected, LONGEST));
  screen.block("observed", clip(observed, LONGEST));
}
