/** What leaves for tools that set a run beside others, so only numbers that another run may be held against. */
import { type Case, METRICS, type Round, type Run, STAGES } from "../../document/run.ts";
import { isTimeless } from "../../stats/compare/pair.ts";
import { countedSamples } from "../../stats/samples.ts";
import { headlineOf } from "./latency.ts";
import { spread } from "./samples.ts";

export interface ExportedSample {
  readonly value: number;
  /** null where the document does not pair samples with rounds. */
  readonly round: Round | null;
}

/** A metric of a case, or a stage in counted time. */
export interface ExportedSeries {
  readonly name: string;
  readonly unit: string;
  readonly better: "lower" | "higher";
  readonly samples: readonly ExportedSample[];
  readonly value: number;
  /** Quartiles, or what boots disagree on. */
  readonly ends: readonly [number, number];
}

/** Cases that measured something and did not fail. */
export function exportedCases(run: Run): Case[] {
  return run.cases.filter((item) => item.state !== "failed" && seriesOf(run, item).length > 0);
}

/** In counted time instructions alone, and under qemu's TCG no time at all, as `compare` has it. */
export function seriesOf(run: Run, item: Case): ExportedSeries[] {
  if (isTimeless(run)) return [];
  const counted = run.environment.clock === "icount";
  return [...metricsOf(item), ...stagesOf(item)].filter(
    ({ unit }) => !counted || unit === "instructions",
  );
}

/** Text as one word: everything that `plain` does not match is written as its UTF-8 bytes, %XX each. */
export function encoded(text: string, plain: RegExp): string {
  return Array.from(text, (character) =>
    plain.test(character) ? character : bytes(character),
  ).join("");
}

function metricsOf(item: Case): ExportedSeries[] {
  return metricNames(item).flatMap((name): ExportedSeries[] => {
    const { unit = "", better = "lower" } = item.metrics[name] ?? {};
    const samples = countedSamples(item, name);
    const found = spread(samples.map(({ value }) => value));
    if (found === null) return [];
    const { median, q1, q3 } = found;
    return [{ name, unit, better, samples, value: median, ends: [q1, q3] }];
  });
}

/** By the clock a stage has no number a round. */
function stagesOf(item: Case): ExportedSeries[] {
  return STAGES.flatMap((name): ExportedSeries[] => {
    const latency = item.latency[name];
    if (latency?.unit !== "instructions") return [];
    const samples = (latency.perRound ?? []).flatMap(({ round: index, value }) => {
      const round = item.rounds.find((one) => one.index === index) ?? null;
      return round?.discarded ? [] : [{ value, round }];
    });
    const headline = headlineOf(latency);
    if (samples.length === 0 || headline === null) return [];
    const { value, ci } = headline;
    const ends = ci ?? [value, value];
    return [{ name, unit: latency.unit, better: "lower", samples, value, ends }];
  });
}

const ORDER = Object.keys(METRICS);

function metricNames(item: Case): string[] {
  const rank = (name: string) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return Object.keys(item.metrics).toSorted((a, b) => rank(a) - rank(b));
}

function bytes(character: string): string {
  return [...new TextEncoder().encode(character)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
    .join("");
}
