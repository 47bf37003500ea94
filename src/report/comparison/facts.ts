/** What a comparison says, once; each format shows the same. Texts are raw and escaped where shown. */
import {
  type AccountComparison,
  type ComparedSession,
  type Comparison,
  DIFFERENCE_GROUPS,
  type Difference,
  type FunctionChange,
  type Side,
  type Unmatched,
  VERDICTS,
  type Verdict,
} from "../../document/compare.ts";
import { STAGES } from "../../document/run.ts";
import { commandLine } from "../../text/command-line.ts";
import { bare, count, duration, percent, plural, quantity } from "../../text/units.ts";
import { COUNTED_WORDS, NET_WORDS } from "../facts/words.ts";

export const GROUP_WORDS: Record<Difference["group"], string> = {
  compiler: "Compiler",
  config: "Kernel configuration (.config)",
  cmdline: "Kernel command line",
  mitigations: "Mitigations",
  preemption: "Preemption",
  sysctls: "Sysctls",
  foreign: "Other people's probes",
  clock: "Clock",
  probes: "Probes",
  tools: "Tools",
  guest: "Guest",
  cpu: "CPU",
  lab: "Lab, as read back",
  workload: "Workload",
  plan: "Plan",
};

/** One candidate against the base. */
export interface Part {
  readonly base: Side;
  readonly side: Side;
  readonly differences: readonly { group: Difference["group"]; list: readonly Difference[] }[];
  /** Measured in pairs, interleaved. */
  readonly paired: readonly Verdict[];
  /** By the clock, several runs a side. */
  readonly repeated: readonly Verdict[];
  /** In instructions. */
  readonly counted: readonly Verdict[];
  /** By the clock, or without a unit of time; one run each. */
  readonly timed: readonly Verdict[];
  /** What was not compared, by its reason. */
  readonly refused: readonly { reason: string; verdicts: readonly Verdict[] }[];
  readonly functions: readonly { title: string; list: readonly FunctionChange[] }[] | null;
  readonly unmatched: readonly Unmatched[];
  readonly accounts: readonly AccountComparison[];
  readonly sessions: readonly ComparedSession[];
}

/** The tables of verdicts, in the order of a report. */
export const KINDS = ["paired", "repeated", "counted", "timed"] as const;
export type Kind = (typeof KINDS)[number];

/** All that was judged. */
export function judged(part: Part): readonly Verdict[] {
  return KINDS.flatMap((kind) => part[kind]);
}

function kindOf(one: Verdict): Kind {
  if (one.values !== undefined) return "repeated";
  if (one.adjustedP !== undefined) return "paired";
  return one.unit === "instructions" ? "counted" : "timed";
}

export function partsOf(comparison: Comparison): Part[] {
  return comparison.candidates.map((side) => {
    const mine = <T extends { readonly candidate: string }>(list: readonly T[]) =>
      list.filter((one) => one.candidate === side.label);
    const verdicts = mine(comparison.verdicts);
    const differences = mine(comparison.environment.differences);
    const refused = verdicts.filter((one) => !one.comparable);
    const { functions } = comparison;
    return {
      base: comparison.base,
      side,
      differences: DIFFERENCE_GROUPS.flatMap((group) => {
        const list = differences.filter((one) => one.group === group);
        return list.length === 0 ? [] : [{ group, list }];
      }),
      ...of(verdicts.filter((one) => one.comparable)),
      refused: [...new Set(refused.map((one) => one.reason))].map((reason) => ({
        reason,
        verdicts: refused.filter((one) => one.reason === reason),
      })),
      functions:
        functions === null
          ? null
          : [
              { title: "came", list: mine(functions.came) },
              { title: "went", list: mine(functions.went) },
              { title: "probed otherwise", list: mine(functions.changed) },
            ],
      unmatched: mine(comparison.unmatched),
      accounts: mine(comparison.accounts),
      sessions: mine(comparison.sessions ?? []),
    };
  });
}

function of(verdicts: readonly Verdict[]): Pick<Part, Kind> {
  const by = (kind: Kind) => verdicts.filter((one) => kindOf(one) === kind);
  return {
    paired: by("paired"),
    repeated: by("repeated"),
    counted: by("counted"),
    timed: by("timed"),
  };
}

/** `debian:trixie, Linux 6.12.57, 3 boots under qemu's TCG`. */
export function sideText(side: Side): string {
  const { guest, kernel } = side;
  const where =
    guest === null
      ? `on the host, ${side.cpu}`
      : `${guest.source}, ${plural(guest.boots, "boot")} under ${guest.hypervisor} (${guest.accelerator}), ${plural(guest.smp, "CPU")}`;
  const probes = side.backends.length === 0 ? "probes off" : side.backends.join(", ");
  const state = side.state === "complete" ? "" : `, ${side.state.toUpperCase()}`;
  return `Linux ${kernel.release}, ${where}, ${probes}${state}${runsText(side)}`;
}

function runsText({ runs = [] }: Side): string {
  const [first, last] = [runs[0], runs.at(-1)];
  if (first === undefined || last === undefined) return "";
  return `, ${plural(runs.length, "run")} from ${first.startedAt} to ${last.startedAt}`;
}

/** `1 regression, 2 unchanged, 1 inconclusive`; the stages and metrics of the part that were judged. */
export function tally(part: Part): string {
  const all = judged(part);
  if (all.length === 0) return "nothing was compared";
  const parts = VERDICTS.flatMap((name) => {
    const found = all.filter((one) => one.verdict === name).length;
    const many = name === "regression" || name === "improvement" ? `${name}s` : name;
    return found === 0 ? [] : [plural(found, name, many)];
  });
  return parts.join(", ");
}

/** A metric's name, or a stage's with what its times are; in instructions the title of the table says it. */
export function metricText({ metric, unit }: Verdict): string {
  return unit === "ns" && STAGES.some((stage) => stage === metric)
    ? `${metric}, ${NET_WORDS}`
    : metric;
}

/** The changes that are beyond what the intervals leave open, in sentences. */
export function beyondOf(part: Part): { readonly verdict: Verdict; readonly text: string }[] {
  return judged(part)
    .filter((one) => one.beyond && one.verdict !== "unchanged")
    .map((verdict) => ({ verdict, text: changeText(verdict) }));
}

/** `500 to 530 ns, 6.00 % higher (ratio 1.060, interval 1.050 .. 1.070): regression`. */
export function changeText(one: Verdict): string {
  const from = `${bare(one.baseValue, one.unit)} to ${quantity(one.candidateValue, one.unit)}`;
  const share = one.ratio === null ? "" : `, ${difference(one.ratio)} ${moreOrLess(one)}`;
  return `${from}${share} (ratio ${ratioText(one)}, interval ${ratioSpan(one)}): ${one.verdict}`;
}

function difference(ratio: number): string {
  const share = Math.abs(ratio - 1) * 100;
  return `${share >= 10 ? share.toFixed(1) : share.toFixed(2)} %`;
}

/** Why verdicts are inconclusive, each reason once. */
export function openQuestions(part: Part): string[] {
  const open = judged(part).filter((one) => one.verdict === "inconclusive");
  return [
    ...[...new Set(open.map((one) => one.reason))].map(
      (reason) =>
        `${count(open.filter((one) => one.reason === reason).length)} inconclusive: ${reason}`,
    ),
    ...wayOut(part),
  ];
}

/** What it would take where one run each left the headline metrics open: of the one that takes most. */
function wayOut({ timed }: Part): string[] {
  const open = timed.filter((one) => one.verdict === "inconclusive");
  const most = open.reduce<Verdict | null>(
    (worst, one) => (one.needed !== undefined && needs(one) >= needs(worst) ? one : worst),
    null,
  );
  if (most === null) return [];
  return [
    `until there can be a verdict: ${neededText(most)} at the least (${most.case} ${most.metric} needs most), as if runs varied no more than the rounds of one; or \`bench --vs\`, which compares two variants in one run`,
  ];
}

function needs(one: Verdict | null): number {
  return one === null ? 0 : (one.needed?.runs ?? Number.MAX_SAFE_INTEGER);
}

/** `6 runs a side, 12 min 4 s more`. */
export function neededText({ needed }: Verdict): string {
  if (needed?.runs == null) return "more than 100 runs a side";
  const more = needed.ns === null || needed.ns === 0 ? "" : `, ${duration(needed.ns)} more`;
  return `${plural(needed.runs, "run")} a side${more}`;
}

/** The interval of a side, or its least and largest run where it has several. */
export function sideSpan(one: Verdict, side: "base" | "candidate"): [number, number] | null {
  const { values } = one;
  if (values === undefined) return side === "base" ? one.baseCi : one.candidateCi;
  return values[side].length === 0 ? null : [Math.min(...values[side]), Math.max(...values[side])];
}

/** Which way the number went; instructions are never called anything but more or fewer. */
function moreOrLess({ ratio, unit }: Verdict): string {
  if (unit === "instructions") return (ratio ?? 1) > 1 ? "more" : "fewer";
  return (ratio ?? 1) > 1 ? "higher" : "lower";
}

export function ratioText({ ratio, unit }: Verdict): string {
  return ratio === null ? "-" : ratio.toFixed(unit === "instructions" ? 4 : 3);
}

export function ratioSpan({ ci, unit }: Verdict): string {
  const places = unit === "instructions" ? 4 : 3;
  return ci === null ? "-" : ci.map((end) => end.toFixed(places)).join(" .. ");
}

export function visibleText({ smallestVisible }: Verdict): string {
  return smallestVisible === null ? "-" : `${(smallestVisible * 100).toPrecision(2)} %`;
}

/** Rows of one case under one head, cases in their order. */
export function byCase<T extends { readonly case: string }>(
  list: readonly T[],
): { readonly id: string; readonly rows: readonly T[] }[] {
  return [...new Set(list.map((one) => one.case))].map((id) => ({
    id,
    rows: list.filter((one) => one.case === id),
  }));
}

/** What a table of these is titled. */
export function tableTitle(kind: Kind): string {
  if (kind === "paired") return "In pairs: adjacent rounds of both, in random order";
  if (kind === "repeated") return "By the clock: several runs";
  return kind === "counted"
    ? `Instructions by case and stage: ${COUNTED_WORDS}`
    : "By the clock: one run each";
}

/** `none to 2 of 3 drops`: one difference in what the bridge did. */
export function accountText(one: AccountComparison["differences"][number]): string {
  const said = (value: number | string | null) => {
    if (value === null) return "none";
    if (typeof value === "string") return value;
    return one.unit === "share" ? percent(value, 1) : count(Number(value.toPrecision(6)));
  };
  return `${one.name} ${said(one.baseValue)} -> ${said(one.candidateValue)}`;
}

export function differenceText({ name, baseValue, candidateValue }: Difference): string {
  return `${name}: ${baseValue ?? "(absent)"} -> ${candidateValue ?? "(absent)"}`;
}

/** The commands that make it again: the comparison, and the runs where those are other commands. */
export function commandsOf({ base, candidates, reproduce }: Comparison): (readonly string[])[] {
  const all = [base.argv, ...candidates.map((side) => side.argv), reproduce];
  return [...new Map(all.map((argv) => [commandLine(argv), argv])).values()].filter(
    (argv) => argv.length > 0,
  );
}

export function noteOf({ paired, repeated, counted, timed }: Part): string | null {
  if (paired.length > 0) {
    return "medians over the pairs; ratio: candidate to base, the median of the pairs' own ratios";
  }
  if (repeated.length > 0) {
    return "with each value its least and its largest run; ratio: candidate to base, of the geometric means over runs";
  }
  if (counted.length > 0) {
    return "with each value its interval, the span of the boots' own modes; ratio: candidate to base";
  }
  return timed.length > 0
    ? "with each value its interval over rounds (of a stage over sessions), in its unit; ratio: candidate to base"
    : null;
}
