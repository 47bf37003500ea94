/**
 * Go benchmark text (golang.org/design/14313-benchmark-format), for benchstat: one line a round and
 * case. benchstat sets side by side only what has the same configuration, so nothing that changes
 * from run to run is among it; that is in comments, which it skips.
 */
import type { Case, Round, Run } from "../../document/run.ts";
import { commandLine } from "../../text/command-line.ts";
import { printable } from "../../text/printable.ts";
import { type ExportedSeries, encoded, exportedCases, seriesOf } from "../facts/exports.ts";
import { findingsOf } from "../facts/findings.ts";
import { COUNTED_SENTENCE } from "../facts/words.ts";

// What benchstat's names and quoted filter words hold as it is. A slash would begin another key.
const NAME = /^[A-Za-z0-9._:,=+-]$/;
const UNIT = /^[A-Za-z0-9._/-]$/;
const GO_ARCHITECTURES: Record<string, string> = { x64: "amd64", ia32: "386" };

export function renderGobench(run: Run): string {
  const cases = exportedCases(run);
  const lines = [
    ...comments(run).map((text) => `# ${printable(text)}`),
    ...configuration(run),
    ...directions(cases.flatMap((item) => seriesOf(run, item))),
    ...cases.flatMap((item) => caseLines(run, item)),
  ];
  return `${lines.join("\n")}\n`;
}

function comments(run: Run): string[] {
  const alarms = findingsOf(run).filter(({ level }) => level === "alarm");
  const failed = run.cases.some((item) => item.state === "failed");
  return [
    `bridgescope run ${run.id}: ${commandLine(run.provenance.argv)}`,
    ...alarms.map(({ about, text }) => (about === null ? text : `${about}: ${text}`)),
    ...(failed ? ["Cases that failed are left out."] : []),
    ...(run.environment.clock === "icount" ? [COUNTED_SENTENCE] : []),
  ];
}

function configuration({ environment: { cpu, kernel } }: Run): string[] {
  const { architecture = "" } = cpu;
  const pairs = [
    ["goos", "linux"],
    ["goarch", GO_ARCHITECTURES[architecture] ?? architecture],
    ["pkg", "bridgescope"],
    ["cpu", cpu.model],
    ["kernel", kernel.release],
  ];
  return pairs
    .map(([key, value = ""]) => [key, printable(value).trim()])
    .filter(([, value]) => value !== "")
    .map((pair) => pair.join(": "));
}

/** Which way is better, each unit once: the reader refuses a unit that is told two ways. */
function directions(all: readonly ExportedSeries[]): string[] {
  const units = new Map<string, string>();
  for (const one of all) {
    const unit = unitOf(one);
    if (!units.has(unit)) units.set(unit, one.better);
  }
  return [...units].map(([unit, better]) => `Unit ${unit} better=${better}`);
}

function caseLines(run: Run, item: Case): string[] {
  return rowsOf(seriesOf(run, item)).map(({ values, round }) => {
    const name = nameOf(item, run.environment.cpu.online);
    const pairs = values.map(({ series, value }) => `${value} ${unitOf(series)}`);
    return [name, iterations(values, round), ...pairs].join(" ");
  });
}

interface Row {
  readonly round: Round | null;
  readonly values: { series: ExportedSeries; value: number }[];
}

/** All that was measured in a round; a sample without one has a row of its own. */
function rowsOf(all: readonly ExportedSeries[]): Row[] {
  const rows = new Map<object, Row>();
  for (const series of all) {
    for (const sample of series.samples) {
      const { round, value } = sample;
      const row = rows.get(round ?? sample) ?? { round, values: [] };
      rows.set(round ?? sample, row);
      row.values.push({ series, value });
    }
  }
  return [...rows.values()];
}

/** `BenchmarkBridge/topology=bridge:8/workload=forward-2`, the number being that of the CPUs. */
function nameOf({ id }: Case, cpus: number): string {
  const at = id.lastIndexOf("/");
  const keys = [...(at < 0 ? [] : [["topology", id.slice(0, at)]]), ["workload", id.slice(at + 1)]];
  const parts = keys.map(([key, value = ""]) => `/${key}=${encoded(value, NAME)}`);
  // Written even for one CPU: what a workload's name ends in would be taken for it.
  return `BenchmarkBridge${parts.join("")}-${cpus}`;
}

/** `ns/op` for the headline; any other metric is told by its name, for several are of one unit. */
function unitOf({ name, unit }: ExportedSeries): string {
  if (name === "ns_per_frame" && unit === "ns") return "ns/op";
  return `${encoded(name, UNIT)}-${encoded(unit, UNIT)}`;
}

/** Frames of the round, or its round trips; 1 where neither is known. */
function iterations(values: Row["values"], round: Round | null): number {
  const rate = values.find(({ series }) => series.name === "frame_rate")?.value ?? 0;
  const frames = Math.round((rate * (round?.durationNs ?? 0)) / 1e9);
  const known = frames > 0 ? frames : (round?.rttNs?.length ?? 0);
  return Number.isSafeInteger(known) ? Math.max(1, known) : 1;
}
